"""A character-level GPT of 0.8 million parameters, 768 tokens a step."""
from .registry import fill, integers, workload

LAYERS, HEADS, WIDTH, BATCH, LENGTH, VOCABULARY = 4, 4, 128, 12, 64, 65


@workload("gpt", "GPT 4 layers, 4 heads, 128 wide, batch 12x64, AdamW", goal=1.9)
def gpt(lib):
    nn, F = lib.nn, lib.nn.functional

    class Attention(nn.Module):
        def __init__(self):
            super().__init__()
            self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
            self.out = nn.Linear(WIDTH, WIDTH)

        def forward(self, x):
            B, T, C = x.shape
            q, k, v = (z.view(B, T, HEADS, C // HEADS).transpose(1, 2) for z in self.qkv(x).split(C, dim=2))
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
            return self.out(y.transpose(1, 2).contiguous().view(B, T, C))

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.ln1, self.attention = nn.LayerNorm(WIDTH), Attention()
            self.ln2 = nn.LayerNorm(WIDTH)
            self.mlp = nn.Sequential(nn.Linear(WIDTH, 4 * WIDTH), nn.GELU(), nn.Linear(4 * WIDTH, WIDTH))

        def forward(self, x):
            x = x + self.attention(self.ln1(x))
            return x + self.mlp(self.ln2(x))

    class GPT(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens = nn.Embedding(VOCABULARY, WIDTH)
            self.positions = nn.Embedding(LENGTH, WIDTH)
            self.blocks = nn.ModuleList([Block() for _ in range(LAYERS)])
            self.norm = nn.LayerNorm(WIDTH)
            self.head = nn.Linear(WIDTH, VOCABULARY, bias=False)

        def forward(self, ids, targets):
            x = self.tokens(ids) + self.positions(lib.arange(ids.shape[1]))
            for block in self.blocks:
                x = block(x)
            logits = self.head(self.norm(x))
            return F.cross_entropy(logits.view(-1, VOCABULARY), targets.view(-1))

    model = fill(lib, GPT())
    text = integers(VOCABULARY, BATCH, LENGTH + 1, seed=1)
    ids, targets = lib.from_numpy(text[:, :-1].copy()), lib.from_numpy(text[:, 1:].copy())
    optimizer = lib.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1, betas=(0.9, 0.95))

    def step():
        optimizer.zero_grad()
        loss = model(ids, targets)
        loss.backward()
        optimizer.step()
        return loss
    return step
