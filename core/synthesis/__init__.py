"""core/synthesis"""
