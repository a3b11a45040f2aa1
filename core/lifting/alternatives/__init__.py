"""What users would otherwise run: published networks, written anew from their papers, to compare DG-Net with."""
