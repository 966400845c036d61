//! The page for people: the table in it is the one that the tools are held against.

use super::{case, file};

const PAGE: &str = "docs/gitops.md";
const BEGIN: &str = "<!-- made by tests/gitops from its table -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_page_has_the_table_that_the_tools_are_held_against() {
    let page = file::read(PAGE);
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    file::check(PAGE, &format!("{before}{BEGIN}\n{}\n{END}{after}", case::table()));
}

/// The commands that the page tells, in order.
pub fn commands() -> Vec<String> {
    let page = file::read(PAGE);
    let blocks = page.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.map(|block| block.trim().to_owned()).collect()
}
