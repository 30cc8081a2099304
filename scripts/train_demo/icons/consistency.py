"""Latent consistency distillation (arXiv:2311.05556) at one guidance scale.

With f the student's estimate of the picture from any point of the path, and the guided model as
teacher,

    x' = a step of DDIM, of 50, from x by the teacher
    loss = distance(f(x, t), f(x', t'))        f(x, t) = c_skip·x + c_out·x₀(x, t)

so that the estimates along a whole path become one. c_skip and c_out are those of diffusers'
`LCMScheduler`. `schedule` has `signal_and_noise(t)`; a network is a function of noisy latents,
steps and contexts that gives the noise.
"""

import torch

SOLVER_STEPS = 50
STRIDE = 1000 // SOLVER_STEPS


def consistent(schedule, x, t, epsilon):
    """f(x, t): the picture's estimate, which at t = 0 is x itself."""
    s, n = schedule.signal_and_noise(t)
    time = 10.0 * t.float()[:, None, None, None]
    skip, out = 0.25 / (time**2 + 0.25), time / (time**2 + 0.25).sqrt()
    return skip * x + out * (x - n * epsilon) / s


def teacher_step(schedule, teacher, x, t, back, contexts, guidance):
    """A step of DDIM from `t` to `back`, and the picture as the teacher sees it at `t`."""
    both = (torch.cat([x, x]), torch.cat([t, t]), torch.cat(contexts))
    guided, without = teacher(*both).chunk(2)
    epsilon = without + guidance * (guided - without)
    s, n = schedule.signal_and_noise(t)
    picture = (x - n * epsilon) / s
    s, n = schedule.signal_and_noise(back)
    return (s * picture + n * epsilon).contiguous(memory_format=torch.channels_last), picture


def loss(schedule, teacher, student, codes, contexts, guidance, huber):
    """The loss of a batch: `codes` are latents, `contexts` those of the captions and of none."""
    index = torch.randint(1, SOLVER_STEPS + 1, (len(codes),), device=codes.device)
    t, back = index * STRIDE - 1, ((index - 1) * STRIDE - 1).clamp(min=0)
    s, n = schedule.signal_and_noise(t)
    x = s * codes + n * torch.randn_like(codes)
    x = x.contiguous(memory_format=torch.channels_last)
    with torch.no_grad():
        nearer, picture = teacher_step(schedule, teacher, x, t, back, contexts, guidance)
        after = student(nearer, back, contexts[0])
        target = consistent(schedule, nearer, back, after)
        # The path ends with the last step's picture.
        target = torch.where((index == 1)[:, None, None, None], picture, target)
    estimate = consistent(schedule, x, t, student(x, t, contexts[0]))
    # Pseudo-Huber.
    return (((estimate - target) ** 2 + huber**2).sqrt() - huber).mean()
