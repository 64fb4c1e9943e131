//! What a scale changes against the paper's numbers, found by comparing the two resolved studies field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Study;

/// One number that differs from the paper's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Difference {
    /// Path of the field, for example `fitness.recipe.steps`.
    pub what: String,
    /// The value at scale `paper`.
    pub paper: String,
    /// The value here.
    pub here: String,
}

/// Every field in which `here` differs from `paper`, the name of the scale aside, in the order of the fields' names.
pub fn differences(paper: &Study, here: &Study) -> Vec<Difference> {
    let mut found = Vec::new();
    let value = |study: &Study| {
        let mut value = serde_json::to_value(study).expect("a study holds only plain data, which JSON can always hold");
        value.as_object_mut().expect("a study is a struct").remove("scale");
        value
    };
    compare("", &value(paper), &value(here), &mut found);
    found
}

fn compare(path: &str, paper: &Value, here: &Value, found: &mut Vec<Difference>) {
    match (paper, here) {
        (Value::Object(left), Value::Object(right)) if left.keys().eq(right.keys()) => {
            for (name, value) in left {
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(&path, value, &right[name], found);
            }
        }
        _ if paper == here => {}
        _ => found.push(Difference { what: path.to_owned(), paper: shown(paper), here: shown(here) }),
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
