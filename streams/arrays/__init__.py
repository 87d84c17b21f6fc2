"""Arrays that everything else stands on: tables of rows, names as numbers, hashes of states."""
