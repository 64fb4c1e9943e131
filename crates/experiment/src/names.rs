//! What experiments, arms and scales may be called: their names become names of files and of studies.

/// Refuses a name that could lead out of a folder or be taken for something else; `kind` says what it is the name of.
pub(crate) fn check(kind: &str, name: &str) -> Result<(), String> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err(format!("{kind} name {name:?}: use letters, digits, - and _"));
    }
    Ok(())
}
