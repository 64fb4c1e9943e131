//! The passes, one a file; [`optimize`](crate::optimize) lists them in their order.

mod drop_dead_nodes;
mod flatten_merges;
mod remove_identities;
mod remove_single_merges;
mod rewrite;
mod share_parameter_free;

pub(crate) use drop_dead_nodes::drop_dead_nodes;
pub(crate) use flatten_merges::flatten_merges;
pub(crate) use remove_identities::remove_identities;
pub(crate) use remove_single_merges::remove_single_merges;
pub(crate) use share_parameter_free::share_parameter_free;
