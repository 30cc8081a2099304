"""Shapes and the drawings of them that the built-in model's ControlNet is guided by.

A shape is a mask [side, side]: a thing's silhouette, stretched, turned, moved
and scaled freely, or a closed curve around a point,

    r(a) = r0 · (1 + sum over k of w_k · cos(k·a + p_k))

A drawing is white on black: the shape filled, or its outline of 2 to 4 pixels. The model alone
knows silhouettes upright at two sizes and nine places, so what it makes of other shapes comes from
the drawing.
"""

import math

import torch
import torch.nn.functional as F

# Samples of a shape along a pixel's side.
FINE = 2
# The longer half side of a shape, in half pictures.
RADIUS = (0.55, 0.9)
WAVES = 5


def coordinates(side):
    """The places of all samples of a picture of that side, [2, fine side, fine side] in -1..1."""
    side = side * FINE
    line = (torch.arange(side) + 0.5) / side * 2 - 1
    y, x = torch.meshgrid(line, line, indexing="ij")
    return torch.stack([x, y])


class Shapes:
    """Random shapes, from a seed: of silhouettes [things, 1, y, x] in 0..1, for pictures of that
    side."""

    def __init__(self, seed, silhouettes, side, curves=0.4):
        self.g = torch.Generator().manual_seed(seed)
        self.curves = curves  # share of closed curves
        self.silhouettes, self.side = silhouettes, side
        self.at = coordinates(side)

    def uniform(self, n, low, high):
        return low + (high - low) * torch.rand(n, generator=self.g)

    def centres(self, radius):
        """Places at which the shapes are nearly whole in the picture."""
        room = (1 - radius).clamp(min=0)
        return [room * self.uniform(len(radius), -1, 1) for _ in range(2)]

    def turned(self, objects):
        """Silhouettes of these objects, [n, 1, side, side] in 0..1."""
        n = len(objects)
        radius, angle = self.uniform(n, *RADIUS), self.uniform(n, 0, 2 * math.pi)
        narrow = self.uniform(n, 0.6, 1.0)
        x, y = self.centres(radius)
        # From the picture to the silhouette: moved, turned, stretched.
        cos, sin = angle.cos() / radius, angle.sin() / radius
        rows = [
            [cos, sin, -(cos * x + sin * y)],
            [-sin / narrow, cos / narrow, (sin * x - cos * y) / narrow],
        ]
        matrix = torch.stack([torch.stack(row, 1) for row in rows], 1)
        side = self.side * FINE
        grid = F.affine_grid(matrix, (n, 1, side, side), align_corners=False)
        fine = F.grid_sample(self.silhouettes[objects], grid, align_corners=False)
        return F.avg_pool2d(fine, FINE)

    def curved(self, n):
        """Closed curves, filled: [n, 1, side, side] in 0..1."""
        radius = self.uniform(n, *RADIUS)
        x, y = self.centres(radius)
        dx, dy = self.at[0] - x[:, None, None], self.at[1] - y[:, None, None]
        angle = torch.atan2(dy, dx)
        wave = torch.zeros_like(angle)
        for k in range(1, WAVES + 1):
            height, phase = self.uniform(n, -0.45, 0.45) / k, self.uniform(n, 0, 2 * math.pi)
            wave += height[:, None, None] * (k * angle + phase[:, None, None]).cos()
        longest = 1 + wave.amax((1, 2), keepdim=True)
        edge = radius[:, None, None] * (1 + wave).clamp(min=0.2) / longest
        inside = (dx.square() + dy.square()).sqrt() < edge
        return F.avg_pool2d(inside.float()[:, None], FINE)

    def batch(self, objects):
        """Shapes, [n, 1, side, side] in 0..1: silhouettes of these objects, or curves."""
        curves = int(self.curves * len(objects))
        order = torch.randperm(len(objects), generator=self.g)
        shapes = torch.cat([self.curved(curves), self.turned(objects[order[curves:]])])
        return shapes[order.argsort()]

    def drawings(self, shapes, outlines=0.5):
        """Drawings of these shapes, [n, 3, side, side] of 0 and 1."""
        filled = (shapes > 0.5).float()
        wide = F.max_pool2d(filled, 3, stride=1, padding=1)
        inner = 1 - F.max_pool2d(1 - filled, 3, stride=1, padding=1)
        thick = 1 - F.max_pool2d(1 - inner, 3, stride=1, padding=1)
        share = lambda p: torch.rand(len(shapes), 1, 1, 1, generator=self.g) < p
        outline = wide - torch.where(share(0.5), thick, inner)
        drawn = torch.where(share(outlines), outline, filled)
        return drawn.expand(-1, 3, -1, -1)
