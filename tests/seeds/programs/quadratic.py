import wengert as torch

x=torch.tensor(3.,requires_grad=True)
y=3*x**2+4*x+2
y.backward()
print(x.grad)

x.grad.zero_()
for epoch in range(3):
    y=3*x**2+4*x+2
    y.backward()
    print(x.grad)
    x.grad.zero_()

for epoch in range(3):
    y=3*x**2+4*x+2
    y.backward()
    print(x.grad)

x.requires_grad_(False)
print((3*x**2+4*x+2).requires_grad)
