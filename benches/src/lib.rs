//! Shared networks for the benchmarks.
