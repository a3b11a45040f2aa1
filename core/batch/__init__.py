"""Many clips: which there are, what of them is left to do, the processes that do it, and the book kept about it.

`inputs` finds clips and names their files; `manifest` is the book, one line a change; `todo` compares the two;
`run` hands what is left to `worker_process`es, in each of which `work` lifts a clip and writes everything about it, or
to a `cluster`, whose workers have such processes (`cluster_task`). Clips may lie elsewhere (`storage`), and so may
what is made of them (`folder`).
Nothing here needs torch or MediaPipe in the process that hands out the work.
"""
