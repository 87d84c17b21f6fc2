"""What operators set while everything runs: settings, rules, experiments, campaigns."""
