//! The screens of the README and of the pages in docs are real: every `$ vpcsim ...` in a console block prints what stands below it.

use std::path::Path;
use std::process::Command;

#[test]
fn the_screens_of_the_readme_are_real() {
    screens("README.md");
}

#[test]
fn the_screens_of_the_page_about_reach_are_real() {
    screens("docs/reach.md");
}

fn screens(page: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let page = std::fs::read_to_string(root.join(page)).unwrap();
    let mut screens = 0;
    for block in page.split("```console\n").skip(1) {
        let block = block.split("```").next().unwrap();
        let (command, expected) = block.split_once('\n').unwrap();
        let words: Vec<&str> =
            command.strip_prefix("$ vpcsim ").expect("a screen begins with `$ vpcsim`").split(' ').collect();
        let output = Command::new(env!("CARGO_BIN_EXE_vpcsim")).args(&words).current_dir(root).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), expected, "{command}");
        screens += 1;
    }
    assert!(screens > 0);
}
