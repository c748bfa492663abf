import wengert as torch

x=torch.tensor([1.,2.,3.],requires_grad=True)
y=x*2+3
z=y**2
out=z.mean()
out.backward()
print(out)
print(x.grad)
