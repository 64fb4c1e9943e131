//! Differentiable tensor operations of the searched networks, for each backend.
