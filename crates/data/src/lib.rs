//! Data sets: manifests, fetching, checking, decoding, splits.
