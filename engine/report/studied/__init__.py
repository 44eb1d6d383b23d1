"""Reference standards that readers made in studies: the blinded consensus, or what an adjudicator settled."""
