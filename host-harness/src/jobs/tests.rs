//! Commands for jobs, over a ledger in a folder of its own and without a network.
