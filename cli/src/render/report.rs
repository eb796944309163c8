//! Forms that other programs read: JUnit for CI, CSV for spreadsheets.

use crate::Failure;

/// A JUnit report: test cases with what is wrong with each, if anything is.
pub(crate) fn junit(name: &str, cases: impl Iterator<Item = (String, Option<String>)>) -> Result<String, Failure> {
    let mut suite = quick_junit::TestSuite::new(name);
    for (title, failure) in cases {
        let mut status = quick_junit::TestCaseStatus::success();
        if let Some(failure) = failure {
            status = quick_junit::TestCaseStatus::non_success(quick_junit::NonSuccessKind::Failure);
            status.set_message(failure);
        }
        suite.add_test_case(quick_junit::TestCase::new(title, status));
    }
    let mut document = quick_junit::Report::new("vpcsim");
    document.add_test_suite(suite);
    document.to_string().map_err(|e| Failure::Io(format!("cannot make the JUnit report: {e}")))
}

/// CSV as RFC 4180 has it.
pub(crate) fn csv<R: AsRef<[String]>>(rows: impl Iterator<Item = R>) -> String {
    let mut out = csv::WriterBuilder::new().from_writer(Vec::new());
    rows.for_each(|row| out.write_record(row.as_ref()).expect("memory takes everything"));
    String::from_utf8(out.into_inner().expect("memory takes everything")).expect("made of text")
}
