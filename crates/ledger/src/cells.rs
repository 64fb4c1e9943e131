//! What the table of trials is given: every value in the type of its column, checked before a database sees it.

use hnas_search::TrialId;
use serde::Serialize;

use crate::{LedgerError, MAX_ATTEMPTS, Outcome, Proposal, Run, Verdict};

/// Longest name of a study, in bytes. It is a part of keys, whose length databases bound.
const LONGEST_NAME: usize = 200;

/// Refuses names that people could not read or databases not index.
pub(crate) fn check_study(study: &str) -> Result<(), LedgerError> {
    let refuse = |reason: String| {
        let study = study.chars().take(60).collect();
        Err(LedgerError::StudyName { study, reason })
    };
    match study {
        "" => refuse("it is empty".to_owned()),
        _ if study.len() > LONGEST_NAME => refuse(format!("it has {} bytes, at most {LONGEST_NAME} fit", study.len())),
        _ if study.contains(char::is_control) => refuse("it has a control character".to_owned()),
        _ => Ok(()),
    }
}

/// A number as databases keep it.
pub(crate) fn integer(study: &str, field: &'static str, value: u64) -> Result<i64, LedgerError> {
    i64::try_from(value).map_err(|_| LedgerError::TooLarge { study: study.to_owned(), field, value })
}

/// A text that every database keeps: PostgreSQL knows no NUL.
pub(crate) fn text<'a>(study: &str, field: &'static str, value: &'a str) -> Result<&'a str, LedgerError> {
    match value.find('\0') {
        None => Ok(value),
        Some(position) => Err(LedgerError::Nul { study: study.to_owned(), field, position }),
    }
}

/// The columns of a proposal.
pub(crate) struct ProposalCells<'a> {
    pub(crate) id: i64,
    pub(crate) key: &'a str,
    pub(crate) parent: Option<i64>,
    pub(crate) mutation: Option<String>,
    pub(crate) redraws: i64,
    pub(crate) parameters: i64,
    pub(crate) multiply_adds: i64,
    pub(crate) same_as: Option<i64>,
    pub(crate) verdict: &'static str,
    pub(crate) refusal: Option<&'a str>,
    pub(crate) known_fitness: Option<f64>,
    pub(crate) genotype: String,
}

impl<'a> ProposalCells<'a> {
    pub(crate) fn new(study: &str, proposal: &'a Proposal) -> Result<ProposalCells<'a>, LedgerError> {
        let Proposal { id, genotype, key, parent, mutation, redraws, parameters, multiply_adds, same_as, verdict } =
            proposal;
        let (verdict, refusal, known_fitness) = match verdict {
            Verdict::Evaluate => ("evaluate", None, None),
            Verdict::Reuse(fitness) => ("reuse", None, Some(fitness.get())),
            Verdict::Refuse(reason) => ("refuse", Some(text(study, "refusal", reason)?), None),
        };
        Ok(ProposalCells {
            id: integer(study, "trial", id.0)?,
            key: text(study, "key", key)?,
            parent: parent.map(|id| integer(study, "parent", id.0)).transpose()?,
            mutation: mutation.as_ref().map(to_json),
            redraws: i64::from(*redraws),
            parameters: integer(study, "parameters", *parameters)?,
            multiply_adds: integer(study, "multiply_adds", *multiply_adds)?,
            same_as: same_as.map(|id| integer(study, "same_as", id.0)).transpose()?,
            verdict,
            refusal,
            known_fitness,
            genotype: genotype.to_ron(),
        })
    }
}

/// What is said of a proposal that is there already: false when it is the same one.
pub(crate) fn proposed_before(
    study: &str,
    proposal: &Proposal,
    stored: Option<&Proposal>,
) -> Result<bool, LedgerError> {
    let study = study.to_owned();
    let difference = match stored {
        None => return Err(LedgerError::Gap { study, trial: proposal.id }),
        Some(stored) if stored.genotype != proposal.genotype => "genotype",
        Some(stored) if stored.parent != proposal.parent => "parent",
        Some(_) => return Ok(false),
    };
    Err(LedgerError::OtherProposal { study, trial: proposal.id, difference })
}

/// The columns of an outcome.
pub(crate) struct OutcomeCells {
    pub(crate) fitness: Option<f64>,
    pub(crate) failure: Option<String>,
    pub(crate) runs: String,
}

impl OutcomeCells {
    pub(crate) fn new(study: &str, trial: TrialId, outcome: &Outcome) -> Result<OutcomeCells, LedgerError> {
        match outcome {
            Outcome::Scored { fitness, runs } => {
                check_finite(study, trial, runs)?;
                Ok(OutcomeCells { fitness: Some(fitness.get()), failure: None, runs: to_json(runs) })
            }
            // A reason may quote anything, and a result is not refused for what its reason quotes.
            Outcome::Failed { reason } => {
                let failure = Some(reason.replace('\0', "\u{FFFD}"));
                Ok(OutcomeCells { fitness: None, failure, runs: "[]".to_owned() })
            }
        }
    }

    /// Of a trial whose leases all came to nothing.
    pub(crate) fn given_up() -> OutcomeCells {
        let reason = format!("given up after {MAX_ATTEMPTS} attempts: no worker that leased it came back");
        OutcomeCells { fitness: None, failure: Some(reason), runs: "[]".to_owned() }
    }
}

fn check_finite(study: &str, trial: TrialId, runs: &[Run]) -> Result<(), LedgerError> {
    for (run, &Run { seed: _, accuracy, top_5, loss, seconds }) in (1..).zip(runs) {
        let top_5 = top_5.unwrap_or_default();
        for (field, value) in [("accuracy", accuracy), ("top_5", top_5), ("loss", loss), ("seconds", seconds)] {
            if !value.is_finite() {
                return Err(LedgerError::NotFinite { study: study.to_owned(), trial, run, field, value });
            }
        }
    }
    Ok(())
}

/// JSON of a value whose numbers are finite and whose keys are texts.
fn to_json(value: &(impl Serialize + ?Sized)) -> String {
    serde_json::to_string(value).expect("plain structures are always JSON")
}
