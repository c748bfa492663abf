"""python -m wengert runs programs written for PyTorch."""
import subprocess
import sys


def run(tmp_path, text, *arguments):
    script = tmp_path / "program.py"
    script.write_text(text)
    return subprocess.run([sys.executable, "-m", "wengert", str(script), *arguments], capture_output=True, text=True, timeout=120)


def test_an_unmodified_program(tmp_path):
    result = run(tmp_path, """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.optim import SGD
from torch.nn.modules.module import Module
assert isinstance(nn.Linear(1, 1), Module) and torch.__name__ == "torch" and torch.__package__ == "wengert"
model, x = nn.Linear(2, 1), torch.ones(3, 2)
SGD(model.parameters(), lr=0.1)
F.relu(model(x)).sum().backward()
print(model.weight.grad.shape, sys.argv[1:])
""", "--flag")
    assert result.returncode == 0, result.stderr
    assert result.stdout == "torch.Size([1, 2]) ['--flag']\n"


def test_a_module_that_does_not_exist(tmp_path):
    result = run(tmp_path, "import torch.nonsense")
    assert result.returncode == 1 and "torch.nonsense" in result.stderr


def test_the_version_that_programs_ask_for(tmp_path):
    result = run(tmp_path, """
import torch
assert tuple(map(int, torch.__version__.split("+")[0].split("."))) >= (2, 0), torch.__version__
assert torch.__version__.endswith("+wengert") and torch.version.__version__ == torch.__version__
assert torch.__version__ >= (2, 9) and torch.__version__ > "2.9.1" and not torch.__version__ < (2, 13) and torch.__version__ != (2, 14)
""")
    assert result.returncode == 0, result.stderr
