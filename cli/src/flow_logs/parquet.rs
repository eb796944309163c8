//! Records as a Parquet file with the column types of Athena's tables for flow logs (FLW-11).
//!
//! Plain encoding, first version of data pages, gzip: what every reader takes, AWS's own tools included. A field that does not
//! apply is null (FLW-44). Rows are kept by column until a row group is full.

use super::file::Counting;
use parquet::basic::{Compression, ConvertedType, GzipLevel, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;
use std::io;
use std::sync::Arc;
use vpcsim_engine::compile::FlowLog;
use vpcsim_engine::record::flow_log::{Field, FieldType, Record, Value, value};

/// Rows that are kept before they are written.
const ROW_GROUP: usize = 1 << 13;
/// Gzip's level.
const LEVEL: u32 = 3;

/// A Parquet file.
pub(super) struct Table {
    out: SerializedFileWriter<Counting>,
    fields: Vec<Field>,
    version: u8,
    columns: Vec<Column>,
    rows: usize,
}

/// A column's values, and which rows have one.
struct Column {
    values: Values,
    present: Vec<i16>,
}

enum Values {
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    /// All text, and where each value ends.
    Text(Vec<u8>, Vec<usize>),
}

impl Table {
    pub(super) fn new(out: Counting, log: &FlowLog) -> io::Result<Self> {
        let fields = log.format.fields().to_vec();
        let column = |field: &Field| {
            let physical = match field.kind() {
                FieldType::Int => Physical::INT32,
                FieldType::BigInt => Physical::INT64,
                FieldType::String => Physical::BYTE_ARRAY,
            };
            let name = field.column();
            let column = Type::primitive_type_builder(&name, physical).with_repetition(Repetition::OPTIONAL);
            let text = physical == Physical::BYTE_ARRAY;
            let column = if text { column.with_converted_type(ConvertedType::UTF8) } else { column };
            column.build().map(Arc::new)
        };
        let columns: Result<Vec<_>, _> = fields.iter().map(column).collect();
        let schema = Type::group_type_builder("flow_logs").with_fields(columns.map_err(io_error)?).build();
        let level = GzipLevel::try_new(LEVEL).map_err(io_error)?;
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_compression(Compression::GZIP(level))
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_created_by("vpcsim".to_owned())
            .build();
        let schema = Arc::new(schema.map_err(io_error)?);
        let out = SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(io_error)?;
        let columns = fields.iter().map(|field| Column::new(field.kind())).collect();
        Ok(Self { out, fields, version: log.format.version(), columns, rows: 0 })
    }

    pub(super) fn write(&mut self, log: &FlowLog, record: &Record<'_>) -> io::Result<()> {
        for (field, column) in self.fields.iter().zip(&mut self.columns) {
            column.push(record.value(*field, log, self.version));
        }
        self.rows += 1;
        if self.rows >= ROW_GROUP { self.drain() } else { Ok(()) }
    }

    fn drain(&mut self) -> io::Result<()> {
        if self.rows == 0 {
            return Ok(());
        }
        let mut group = self.out.next_row_group().map_err(io_error)?;
        for column in &mut self.columns {
            let mut to = group.next_column().map_err(io_error)?.expect("as many columns as fields");
            match &mut column.values {
                Values::Int(values) => {
                    to.typed::<Int32Type>().write_batch(values, Some(&column.present), None).map_err(io_error)?;
                    values.clear();
                }
                Values::BigInt(values) => {
                    to.typed::<Int64Type>().write_batch(values, Some(&column.present), None).map_err(io_error)?;
                    values.clear();
                }
                Values::Text(text, ends) => {
                    // One buffer, shared by all values of the column.
                    let all = ByteArray::from(std::mem::take(text));
                    let mut start = 0;
                    let values: Vec<ByteArray> = ends
                        .drain(..)
                        .map(|end| {
                            let value = all.slice(start, end - start);
                            start = end;
                            value
                        })
                        .collect();
                    to.typed::<ByteArrayType>().write_batch(&values, Some(&column.present), None).map_err(io_error)?;
                }
            }
            column.present.clear();
            to.close().map_err(io_error)?;
        }
        group.close().map_err(io_error)?;
        self.rows = 0;
        Ok(())
    }

    pub(super) fn written(&self) -> u64 {
        self.out.bytes_written() as u64
    }

    pub(super) fn finish(mut self) -> io::Result<()> {
        self.drain()?;
        self.out.into_inner().map_err(io_error)?.sync()
    }
}

impl Column {
    fn new(kind: FieldType) -> Self {
        let values = match kind {
            FieldType::Int => Values::Int(Vec::new()),
            FieldType::BigInt => Values::BigInt(Vec::new()),
            FieldType::String => Values::Text(Vec::new(), Vec::new()),
        };
        Self { values, present: Vec::new() }
    }

    fn push(&mut self, of: Value<'_>) {
        self.present.push(i16::from(of != Value::Absent));
        match (&mut self.values, of) {
            (_, Value::Absent) => {}
            (Values::Int(values), Value::Number(n)) => values.push(n as i32),
            (Values::BigInt(values), Value::Number(n)) => values.push(n as i64),
            (Values::Text(text, ends), of) => {
                value(of, text);
                ends.push(text.len());
            }
            (Values::Int(_) | Values::BigInt(_), of) => unreachable!("{of:?} in a column of numbers"),
        }
    }
}

/// What went wrong below, if something did.
fn io_error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(error) => *error,
            Err(other) => io::Error::other(other),
        },
        other => io::Error::other(other),
    }
}
