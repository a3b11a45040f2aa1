"""The mannequin: clips of a modelled figure with exactly known motion, for the sample and for tests."""
