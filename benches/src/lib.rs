//! Measures the whole way of a call, next to its peers.
