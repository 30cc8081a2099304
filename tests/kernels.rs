//! Every kernel in every specialisation: parses, validates, fits WebGPU's default limits.
