"""core/evaluation/datasets: Human3.6M, HumanEva-I, MPI-INF-3DHP and filmed motion capture, all as `Recording`s."""
