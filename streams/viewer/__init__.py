"""What is known of a viewer, from what was done, said and asked for."""
