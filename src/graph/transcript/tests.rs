//! What is replaced, and by what.
