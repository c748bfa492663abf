"""Tensors as the arrays that files hold, and the codes of their dtypes in safetensors files."""

DTYPES = {"float64": "F64", "float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64", "int32": "I32",
          "int16": "I16", "int8": "I8", "uint8": "U8", "bool": "BOOL"}
NAMES = {code: name for name, code in DTYPES.items()}
SIZES = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}


def to_array(x):
    """A dense tensor as a NumPy array; bfloat16, which NumPy lacks, as the upper halves of float32."""
    if str(x.dtype).endswith("bfloat16"):
        import numpy
        return numpy.asarray(x.float().numpy().view("uint32") >> 16, "uint16")
    return x.numpy()


def from_array(code, array):
    """The inverse of `to_array`; the tensor lies on the array's memory where it can."""
    import wengert
    if code == "BF16":
        import numpy
        wide = numpy.asarray(array, "uint32")
        wide <<= 16
        return wengert.from_numpy(wide.view("float32")).to(wengert.bfloat16)
    return wengert.from_numpy(array)
