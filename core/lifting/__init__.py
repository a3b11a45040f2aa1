"""core/lifting"""
