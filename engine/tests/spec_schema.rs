//! The JSON Schemas say what the readers accept.
#[test]
fn show() {
    println!("{}", serde_json::to_string_pretty(&vpcsim_engine::spec::schema()).unwrap());
}
