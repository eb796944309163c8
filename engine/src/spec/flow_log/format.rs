//! The format of a flow log: which fields its records have, in which order.

use super::field::{Field, UnknownField};
use std::fmt;

/// The fields of a record, in order. At least one.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Format {
    fields: Vec<Field>,
}

/// Why a text is no format.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum FormatError {
    /// There is nothing in it.
    Empty,
    /// This word is not `${field}`.
    NotAField(String),
    /// A field that does not exist.
    Unknown(UnknownField),
}

/// Fields of the default format of VPC flow logs, in order (FLW-10).
pub const DEFAULT: [Field; 14] = [
    Field::Version,
    Field::AccountId,
    Field::InterfaceId,
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::Action,
    Field::LogStatus,
];

/// Fields of the default format of transit-gateway flow logs, in order (FLW-30).
pub const TGW_DEFAULT: [Field; 36] = [
    Field::Version,
    Field::ResourceType,
    Field::AccountId,
    Field::TgwId,
    Field::TgwAttachmentId,
    Field::TgwSrcVpcAccountId,
    Field::TgwDstVpcAccountId,
    Field::TgwSrcVpcId,
    Field::TgwDstVpcId,
    Field::TgwSrcSubnetId,
    Field::TgwDstSubnetId,
    Field::TgwSrcEni,
    Field::TgwDstEni,
    Field::TgwSrcAzId,
    Field::TgwDstAzId,
    Field::TgwPairAttachmentId,
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::LogStatus,
    Field::Type,
    Field::PacketsLostNoRoute,
    Field::PacketsLostBlackhole,
    Field::PacketsLostMtuExceeded,
    Field::PacketsLostTtlExpired,
    Field::TcpFlags,
    Field::Region,
    Field::FlowDirection,
    Field::PktSrcAwsService,
    Field::PktDstAwsService,
];

impl Format {
    /// The default format of VPC flow logs.
    #[must_use]
    pub fn default_vpc() -> Self {
        Self { fields: DEFAULT.to_vec() }
    }

    /// The default format of transit-gateway flow logs.
    #[must_use]
    pub fn default_transit_gateway() -> Self {
        Self { fields: TGW_DEFAULT.to_vec() }
    }

    /// These fields; none if there are none.
    #[must_use]
    pub fn of(fields: Vec<Field>) -> Option<Self> {
        (!fields.is_empty()).then_some(Self { fields })
    }

    /// Reads a format as `CreateFlowLogs` takes it: `${version} ${srcaddr}`.
    ///
    /// # Errors
    /// Every mistake of the text.
    pub fn parse(text: &str) -> Result<Self, Vec<FormatError>> {
        let field = |word: &str| match word.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => Field::from_name(name).map_err(FormatError::Unknown),
            None => Err(FormatError::NotAField(word.to_owned())),
        };
        Self::collect(text.split_whitespace().map(field))
    }

    /// Reads a file's header line: `version srcaddr`.
    ///
    /// # Errors
    /// Every mistake of the line.
    pub fn header(line: &str) -> Result<Self, Vec<FormatError>> {
        Self::collect(line.split_ascii_whitespace().map(|word| Field::from_name(word).map_err(FormatError::Unknown)))
    }

    fn collect(words: impl Iterator<Item = Result<Field, FormatError>>) -> Result<Self, Vec<FormatError>> {
        let (mut fields, mut errors) = (Vec::new(), Vec::new());
        for word in words {
            match word {
                Ok(field) => fields.push(field),
                Err(error) => errors.push(error),
            }
        }
        if fields.is_empty() && errors.is_empty() {
            errors.push(FormatError::Empty);
        }
        if errors.is_empty() { Ok(Self { fields }) } else { Err(errors) }
    }

    /// The fields.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// What the field `version` prints: the highest version of the fields (FLW-12).
    #[must_use]
    pub fn version(&self) -> u8 {
        self.fields.iter().map(|field| field.version()).max().unwrap_or(2)
    }

    /// The first line of a file: names with spaces between them.
    #[must_use]
    pub fn header_line(&self) -> String {
        self.fields.iter().map(|field| field.name()).collect::<Vec<_>>().join(" ")
    }
}

impl fmt::Display for Format {
    /// As `CreateFlowLogs` takes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, field) in self.fields.iter().enumerate() {
            write!(f, "{}${{{}}}", if n == 0 { "" } else { " " }, field.name())?;
        }
        Ok(())
    }
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("a flow log's format has at least one field"),
            Self::NotAField(word) => write!(f, "`{word}` in a flow log's format is not written as `${{field}}`"),
            Self::Unknown(unknown) => unknown.fmt(f),
        }
    }
}

impl FormatError {
    /// The likeliest fix.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::Unknown(UnknownField { nearest: Some(field), .. }) => format!("did you mean `{}`?", field.name()),
            Self::NotAField(word) => {
                let name = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
                let name = Field::from_name(name).map_or("srcaddr", Field::name);
                format!("write `${{{name}}}`, fields with a space between them")
            }
            Self::Unknown(_) | Self::Empty => {
                "fields are named in the VPC user guide under \"Flow log records\", as in `${srcaddr} ${dstaddr}`"
                    .to_owned()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_reads_as_it_prints() {
        for format in [Format::default_vpc(), Format::default_transit_gateway()] {
            assert_eq!(Format::parse(&format.to_string()), Ok(format.clone()));
            assert_eq!(Format::header(&format.header_line()), Ok(format));
        }
        assert_eq!(Format::default_vpc().version(), 2);
        assert_eq!(Format::default_transit_gateway().version(), 6);
        assert_eq!(Format::parse("${srcaddr} ${vpc-id} ${traffic-path}").unwrap().version(), 5);
    }

    #[test]
    fn every_mistake_of_a_format_is_found() {
        let errors = Format::parse("${srcadr} dstaddr ${start}").unwrap_err();
        let texts: Vec<_> = errors.iter().map(|e| (e.to_string(), e.help())).collect();
        assert_eq!(texts[0], ("there is no flow-log field `srcadr`".into(), "did you mean `srcaddr`?".into()));
        assert_eq!(texts[1].1, "write `${dstaddr}`, fields with a space between them");
        assert_eq!(texts.len(), 2);
        assert_eq!(Format::parse("  "), Err(vec![FormatError::Empty]));
    }
}
