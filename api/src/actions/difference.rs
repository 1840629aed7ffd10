//! What is different between two states of something.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One thing that is not as it was.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// Where in the state, as `/memberships/5/card`; empty: all of it.
    pub path: String,
    /// Null where there was nothing.
    pub before: Value,
    /// Null where there is nothing any more.
    pub after: Value,
}

/// In the order of the paths.
pub fn differences(before: &Value, after: &Value) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(String::new(), before, after, &mut changes);
    changes
}

fn compare(path: String, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Object(was), Value::Object(is)) => {
            let keys: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
            for key in keys {
                let (was, is) = (was.get(key), is.get(key));
                let (was, is) = (was.unwrap_or(&Value::Null), is.unwrap_or(&Value::Null));
                compare(format!("{path}/{key}"), was, is, changes);
            }
        }
        (was, is) if was == is => {}
        (was, is) => changes.push(Change { path, before: was.clone(), after: is.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_came_went_or_changed_is_named_by_its_path() {
        let before = json!({ "points": 1, "cards": { "a": "active" }, "home": "Meerdal" });
        let after = json!({ "points": 2, "cards": { "a": "active", "b": "active" }, "sales": [] });
        let change = |path: &str, before: Value, after: Value| Change {
            path: path.to_owned(),
            before,
            after,
        };
        let expected = [
            change("/cards/b", Value::Null, json!("active")),
            change("/home", json!("Meerdal"), Value::Null),
            change("/points", json!(1), json!(2)),
            change("/sales", Value::Null, json!([])),
        ];
        assert_eq!(differences(&before, &after), expected);
        assert_eq!(differences(&after, &after), []);
        let all = differences(&json!("Unregistered"), &after);
        assert_eq!(all, [change("", json!("Unregistered"), after)]);
    }
}
