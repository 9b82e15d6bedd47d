// The room's first file; see its owner's commit.
