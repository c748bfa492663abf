import wengert as torch
from wengert.autograd import Variable

N,D_in,H,D_out=64,100,100,10
x=Variable(torch.randn(N,D_in))
y=Variable(torch.randn(N,D_out),requires_grad=False)

model=torch.nn.Sequential(torch.nn.Linear(D_in,H),
                          torch.nn.ReLU(),
                          torch.nn.Linear(H,D_out))
loss_fn=torch.nn.MSELoss(size_average=False)
first=[param.detach().clone() for param in model.parameters()]

learning_rate=1e-4
for t in range(500):
    y_pred=model(x)
    loss=loss_fn(y_pred,y)
    model.zero_grad()
    loss.backward()
    for param in model.parameters():
        param.data-=learning_rate*param.grad.data
    print('loss:',loss)
