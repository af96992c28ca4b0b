"""What the server that workers fork from imports, once for all of them. Nothing else imports this module."""

import ctypes
import gc
import signal
from importlib import import_module

PR_SET_PDEATHSIG = 1  # of <sys/prctl.h>
NEEDED = ("bench.runner.requests", "bench.runner.worker", "torch._dynamo")
"""What every trial imports: some 5 s of processor time. torch._dynamo is imported by PyTorch's optimizers when first used."""

# The server ends with its coordinator by itself, but not before its imports are done, and then in a second or two, for as long
# as which it would keep the output open that it shares: whoever reads that to its end would wait.
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
for name in NEEDED:
    import_module(name)
gc.freeze()  # so that a worker's collections leave the pages alone that it shares
