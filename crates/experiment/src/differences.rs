//! What a scale changes against the paper's numbers, found by comparing the two field by field.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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

/// Every field in which `here` differs from `paper`, in the order of the fields' names; a field of a struct is named by
/// its path.
pub fn differences<T: Serialize>(paper: &T, here: &T) -> Vec<Difference> {
    let value = |side: &T| serde_json::to_value(side).expect("plain data can always be held by JSON");
    let mut found = Vec::new();
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
