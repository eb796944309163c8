//! The command line. Doc comments here are the help texts and the manual pages.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use vpcsim_engine::observe::capture::Filter;

/// A packet-level simulator of AWS VPC networks.
///
/// Give it an account (exported AWS JSON) or a hand-written topology: it replays scenarios packet by
/// packet, says why something is blocked, and writes the proof.
#[derive(Parser, Debug)]
#[command(
    name = "vpcsim",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit status: 0 done, 1 a finding, 2 wrong usage or invalid input, 3 input uses what is not modelled, \
                  4 input or output failed."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Debug)]
pub(crate) struct Global {
    /// When to use colours; NO_COLOR in the environment turns `auto` off
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(crate) color: Color,
    /// Say less
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Say more; twice for still more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
}

/// When to use colours.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl Color {
    /// Sets it for everything that is printed from here on. `anstream` knows NO_COLOR and terminals.
    pub(crate) fn write_global(self) {
        match self {
            Self::Auto => anstream::ColorChoice::Auto,
            Self::Always => anstream::ColorChoice::Always,
            Self::Never => anstream::ColorChoice::Never,
        }
        .write_global();
    }
}

/// What to do.
#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Replay scenario files and check their expectations
    Run(Box<RunArgs>),
    /// Say why something is blocked, or why it is allowed
    Why(WhyArgs),
    /// Say who reaches whom: a matrix, or many probes from a file
    Reach(ReachArgs),
    /// Hold real flow logs against the model: where they differ, and which row decides
    Audit(AuditArgs),
    /// Find what is wrong with a network, or will be: exposed ports, dead rows, replies that cannot pass
    Lint(LintArgs),
    /// Compare two networks: resources changed, flows gained and lost, and the row that caused each
    Diff(DiffArgs),
    /// Check topology and scenario files
    Validate(ValidateArgs),
    /// Make a topology from what another tool exports
    #[command(subcommand)]
    Import(Import),
    /// Show the effective view of one resource: routes, rules, addresses
    Show(ShowArgs),
    /// Draw the network in Graphviz's language: `vpcsim export dot -t TOPO | dot -Tsvg`
    #[command(subcommand)]
    Export(Export),
    /// Print the JSON Schema (draft-07) of a kind of file
    Schema(SchemaArgs),
    /// Print the completion script of a shell
    Completions(CompletionsArgs),
    /// Write the manual pages
    Man(ManArgs),
}

/// Form of a result: text for people, JSON (with a `format_version`) for programs.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Output {
    Text,
    Json,
}

/// Form of the answer to why.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum WhyOutput {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// As AWS's Reachability Analyzer says it: `NetworkInsightsAnalyses` of DescribeNetworkInsightsAnalyses.
    ReachabilityAnalyzer,
}

/// Form of the change that would help.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FixForm {
    /// A sentence each.
    Text,
    /// Steps of a scenario.
    Patch,
    /// Commands of AWS's CLI.
    AwsCli,
    /// Terraform.
    Terraform,
    /// None is looked for.
    Off,
}

/// Format of capture files.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum PcapFormat {
    Pcapng,
    Pcap,
}

/// Form of a table: as [`Output`], or CSV for spreadsheets.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum TableOutput {
    Text,
    Json,
    Csv,
}

/// Form of the flow log of every interface.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FlowLogFiles {
    /// Lines.
    Text,
    /// Lines, compressed with gzip.
    Gz,
    /// Apache Parquet with the types of Athena's tables.
    Parquet,
    /// A stream of JSON events for each interface, as CloudWatch Logs has them.
    Cloudwatch,
}

/// Where its files are.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FlowLogLayout {
    /// One file.
    Flat,
    /// A file for five minutes, in folders as in S3.
    S3,
    /// The same with Hive's names of folders.
    Hive,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Scenario files
    #[arg(required = true, value_name = "SCENARIO")]
    pub(crate) scenarios: Vec<PathBuf>,
    /// Where randomness starts, instead of the scenario's own seed
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Stop at this virtual time, as in `30s`
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// How many scenarios to run at a time; output does not depend on it [default: one per processor]
    #[arg(short, long, value_name = "N")]
    pub(crate) jobs: Option<usize>,
    /// Write capture files to this folder: of every interface, or of what the scenario captures
    #[arg(long, value_name = "DIR")]
    pub(crate) pcap: Option<PathBuf>,
    /// Format of capture files; classic pcap has no names and no comments
    #[arg(long, value_enum, default_value_t = PcapFormat::Pcapng, value_name = "FORMAT", requires = "pcap")]
    pub(crate) pcap_format: PcapFormat,
    /// Which packets of every interface, in tcpdump's words, as in `tcp port 443 and host 10.0.1.10` or `dropped`
    #[arg(long, value_name = "FILTER", requires = "pcap")]
    pub(crate) pcap_filter: Option<Filter>,
    /// At most this many bytes of each packet, counted from its IP header
    #[arg(long, value_name = "BYTES", requires = "pcap")]
    pub(crate) snap_length: Option<u32>,
    /// Write flow logs to this folder: what the topology defines, or every interface if it defines none
    #[arg(long, value_name = "DIR")]
    pub(crate) flow_logs: Option<PathBuf>,
    /// Log every interface, whatever the topology defines
    #[arg(long, requires = "flow_logs")]
    pub(crate) flow_logs_all: bool,
    /// Fields of the log of every interface, as in `${srcaddr} ${dstaddr} ${pkt-dstaddr}` [default: AWS's default format]
    #[arg(long, value_name = "FORMAT", requires = "flow_logs")]
    pub(crate) flow_log_format: Option<String>,
    /// Form of its files
    #[arg(long, value_enum, default_value_t = FlowLogFiles::Text, value_name = "FORM", requires = "flow_logs")]
    pub(crate) flow_log_files: FlowLogFiles,
    /// Where its files are: one file, or folders as in S3
    #[arg(long, value_enum, default_value_t = FlowLogLayout::Flat, value_name = "LAYOUT", requires = "flow_logs")]
    pub(crate) flow_log_layout: FlowLogLayout,
    /// Write CloudWatch's metrics to this folder: `SCENARIO.csv` and `SCENARIO.json`
    #[arg(long, value_name = "DIR")]
    pub(crate) metrics: Option<PathBuf>,
    /// Print what the run costs, and a month that goes on like it; several runs are compared
    #[arg(long)]
    pub(crate) cost: bool,
    /// Prices, instead of those that are built in (`vpcsim schema prices` prints them)
    #[arg(long, value_name = "FILE", requires = "cost")]
    pub(crate) prices: Option<PathBuf>,
    /// Replay on this topology, instead of the scenario's own; several are replayed one after the other
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: Vec<PathBuf>,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Form of the transcript
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct WhyArgs {
    /// Topology file, or folder of AWS JSON
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: PathBuf,
    /// Who starts: a name, an AWS id, an address, or `internet`
    #[arg(value_name = "SRC", required_unless_present = "line")]
    pub(crate) source: Option<String>,
    /// Whom it talks to, with the port: `db-1:5432`, `[2600:1f18::1]:443`, `api.example.com:443` (the resolver of SRC's VPC is asked)
    #[arg(value_name = "DST[:PORT]", required_unless_present = "line")]
    pub(crate) destination: Option<String>,
    /// The question is this line of a flow log or of tcpdump
    #[arg(long, value_name = "LINE", conflicts_with_all = ["source", "destination", "protocol", "src_port"])]
    pub(crate) line: Option<String>,
    /// Format of the flow log's line, as in `${interface-id} ${action}` [default: AWS's default format]
    #[arg(long, value_name = "FORMAT", requires = "line")]
    pub(crate) format: Option<String>,
    /// Ask about a connection that exists: it was made while everything let it pass
    #[arg(long)]
    pub(crate) established: bool,
    /// The same after a pause, as in `400s`
    #[arg(long, value_name = "TIME")]
    pub(crate) idle: Option<String>,
    /// Protocol: `tcp`, `udp`, `icmp` or a number [default: tcp with a port, icmp without]
    #[arg(long, value_name = "PROTOCOL")]
    pub(crate) protocol: Option<String>,
    /// Source port [default: an ephemeral one]
    #[arg(long, value_name = "N")]
    pub(crate) src_port: Option<u16>,
    /// Form of the change that would help: a sentence, a scenario's step, commands, Terraform; `off` looks for none
    #[arg(long, value_enum, default_value_t = FixForm::Text, value_name = "FORM")]
    pub(crate) fix: FixForm,
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = WhyOutput::Text, value_name = "FORM")]
    pub(crate) output: WhyOutput,
}

#[derive(Args, Debug)]
pub(crate) struct ReachArgs {
    /// Topology file, or folder of AWS JSON
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: PathBuf,
    /// CSV file of probes with the columns src, dst, protocol, dst_port and, if you like, expect
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to", "group_by", "assert"])]
    pub(crate) probes: Option<PathBuf>,
    /// File of assertions, a sentence a line: `web reaches db on 5432`, `dev never reaches prod`, `only bastion reaches db on 22`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["from", "to", "group_by", "port"])]
    pub(crate) assert: Option<PathBuf>,
    /// Sources: an instance, an interface, a group, a subnet, a VPC, `tag:KEY=VALUE`, an address, a block, `internet`
    /// [default: every instance and every host of a site; of groups the internet too]
    #[arg(long, value_name = "NAME")]
    pub(crate) from: Vec<String>,
    /// Destinations, with the port [default: everything that listens; of groups the internet too]
    #[arg(long, value_name = "NAME[:PORT]")]
    pub(crate) to: Vec<String>,
    /// A matrix of groups: `sg`, `subnet`, `vpc`, `tag:KEY`, `class` (ends that no row can tell apart) or `end`
    #[arg(long, value_name = "WHAT")]
    pub(crate) group_by: Option<String>,
    /// Ports of the matrix of groups: `443`, `udp/53`, `8000-8100`, `icmp` [default: all, as ranges]
    #[arg(long, value_name = "PORT", requires = "group_by", value_delimiter = ',')]
    pub(crate) port: Vec<String>,
    /// Write a JUnit report of assertions, or of probes that say what they expect
    #[arg(long, value_name = "FILE")]
    pub(crate) junit: Option<PathBuf>,
    /// Form of the table
    #[arg(long, value_enum, default_value_t = TableOutput::Text, value_name = "FORM")]
    pub(crate) output: TableOutput,
}

#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// Topology file, or folder of AWS JSON
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: PathBuf,
    /// Flow logs: text or gzip with a header line, or Parquet; a folder stands for all of them below it
    #[arg(required = true, value_name = "FLOWLOG")]
    pub(crate) logs: Vec<PathBuf>,
    /// Format of text without a header line, as in `${interface-id} ${action}` [default: AWS's default format]
    #[arg(long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,
    /// How many flows to name for each row
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) examples: usize,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub(crate) output: Output,
}

/// Form of findings.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LintOutput {
    Text,
    Json,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Annotations of GitHub's workflow commands.
    Github,
}

/// From which severity on findings make the exit status 1.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FailOn {
    Note,
    Warning,
    Error,
    Never,
}

#[derive(Args, Debug)]
pub(crate) struct LintArgs {
    /// Topology file, or folder of AWS JSON
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: PathBuf,
    /// Exit status 1 if there is a finding of at least this severity that is not suppressed
    #[arg(long, value_enum, default_value_t = FailOn::Warning, value_name = "SEVERITY")]
    pub(crate) fail_on: FailOn,
    /// Form of the findings
    #[arg(long, value_enum, default_value_t = LintOutput::Text, value_name = "FORM")]
    pub(crate) output: LintOutput,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Exit status: 0 no difference, 1 differences. With --detailed-exitcode: 0 no difference, 5 resources differ and no \
                        flow does, 6 flows were gained, 7 flows were lost or changed."
)]
pub(crate) struct DiffArgs {
    /// Topology file, or folder of AWS JSON: as it was
    #[arg(value_name = "OLD")]
    pub(crate) old: PathBuf,
    /// The same as it is now, or shall be
    #[arg(value_name = "NEW")]
    pub(crate) new: PathBuf,
    /// Tell by the exit status what differs
    #[arg(long)]
    pub(crate) detailed_exitcode: bool,
    /// Form of the result
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct ValidateArgs {
    /// Topology and scenario files, `-` for standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Form of the findings
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub(crate) output: Output,
}

/// What to import.
#[derive(Subcommand, Debug)]
pub(crate) enum Import {
    /// A folder of AWS JSON: what `aws ec2 describe-... --output json` prints, one file per call
    Aws(ImportAwsArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ImportAwsArgs {
    /// The folder
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// The topology file to write [default: standard output]
    #[arg(short = 'o', long = "out", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Say what was not understood
    #[arg(long)]
    pub(crate) report: bool,
    /// Form of the report
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub(crate) output: Output,
}

#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// Topology file, or folder of AWS JSON
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: PathBuf,
    /// A name, an AWS id or an address
    #[arg(value_name = "RESOURCE")]
    pub(crate) resource: String,
    /// Form of the view
    #[arg(long, value_enum, default_value_t = Output::Text, value_name = "FORM")]
    pub(crate) output: Output,
}

/// What to draw.
#[derive(Subcommand, Debug)]
pub(crate) enum Export {
    /// Graphviz's language
    Dot(ExportArgs),
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Topology file, or folder of AWS JSON
    #[arg(short, long, value_name = "TOPO")]
    pub(crate) topology: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct SchemaArgs {
    /// The kind of file
    #[arg(value_enum, value_name = "KIND")]
    pub(crate) kind: FileKind,
}

/// A kind of file that vpcsim reads.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum FileKind {
    /// What there is.
    Topology,
    /// What happens.
    Scenario,
    /// What things cost: the table that is built in, as a beginning for one of your own.
    Prices,
}

#[derive(Args, Debug)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Args, Debug)]
pub(crate) struct ManArgs {
    /// The folder to write the pages to; it is made if it does not exist
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
}
