"""What a run takes: asked of the driver and of PyTorch's allocator on a GPU, counted storage by storage on fake tensors."""
import contextlib
import gc
import os
import subprocess
import weakref

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

BLOCK = 512  # the CUDA caching allocator's step


class Gpu:
    """A real device. Phases are peaks of the allocator between two marks."""

    device = "cuda"

    def __init__(self):
        if not torch.cuda.is_available():
            raise SystemExit("There is no GPU that PyTorch can use; --device cpu-fake needs none.")
        self.phases = {}

    def running(self):
        return contextlib.nullcontext()

    @contextlib.contextmanager
    def phase(self, name):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
        yield
        torch.cuda.synchronize()
        self.phases[name] = max(self.phases.get(name, 0), torch.cuda.max_memory_allocated())

    def alive(self):
        return torch.cuda.memory_allocated()

    def reserved(self):
        return torch.cuda.memory_reserved()

    def process(self):
        """What nvidia-smi shows of this process, or nothing where the driver does not tell (in most containers)."""
        asked = ["nvidia-smi", "--query-compute-apps=pid,used_memory", "--format=csv,noheader,nounits"]
        try:
            rows = subprocess.run(asked, capture_output=True, text=True, timeout=30, check=True).stdout.splitlines()
        except (OSError, subprocess.SubprocessError):
            return None
        used = [int(mib) for pid, mib in (row.split(", ") for row in rows) if pid == str(os.getpid()) and mib.isdigit()]
        return sum(used) * 2**20 if used else None

    def where(self):
        return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}"


def replace_parameters(module, convert, recurse=True):
    """Module.to() swaps the contents of parameters, which fake tensors refuse; here they are replaced."""
    for child in module.children() if recurse else ():
        replace_parameters(child, convert)
    for name, old in module._parameters.items():
        if old is not None:
            module._parameters[name] = torch.nn.Parameter(convert(old.detach()), old.requires_grad)
    for name, old in module._buffers.items():
        if old is not None:
            module._buffers[name] = convert(old)
    return module


class Ledger(TorchDispatchMode):
    """Fake tensors on the processor: every storage that an operation makes is counted until its last holder lets go."""

    device = "cpu"

    def __init__(self):
        super().__init__()
        from torch._subclasses.fake_tensor import FakeTensorMode

        self.fake = FakeTensorMode(allow_non_fake_inputs=True)
        self.seen, self.now, self.highest, self.phases = {}, 0, 0, {}

    @contextlib.contextmanager
    def running(self):
        apply = torch.nn.Module._apply
        torch.nn.Module._apply = replace_parameters
        try:
            with self.fake, self:
                yield
        finally:
            torch.nn.Module._apply = apply

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, torch.Tensor) and tensor.device.type != "meta":
                self.count(tensor.untyped_storage())
        return made

    def count(self, storage):
        key = storage._cdata
        if key in self.seen or storage.nbytes() == 0:
            return
        self.seen[key] = -(-storage.nbytes() // BLOCK) * BLOCK
        self.now += self.seen[key]
        self.highest = max(self.highest, self.now)
        weakref.finalize(storage, self.release, key).atexit = False

    def release(self, key):
        self.now -= self.seen.pop(key, 0)

    @contextlib.contextmanager
    def phase(self, name):
        gc.collect()
        self.highest = self.now
        yield
        self.phases[name] = max(self.phases.get(name, 0), self.highest)

    def alive(self):
        gc.collect()
        return self.now

    def reserved(self):
        return None

    def process(self):
        return None

    def where(self):
        return "fake tensors on the processor: no allocator, no context, the processor's kernels"
