//! When flows begin and how large they are: drawn from a stream, in integers only, so that every machine draws the same.

use crate::base::{Nanos, Stream};

/// When a generator begins flows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Arrivals {
    /// At equal distances.
    Constant,
    /// At exponentially distributed distances.
    Poisson,
    /// Poisson in periods that last an exponentially distributed time, and nothing in between.
    OnOff {
        /// Mean length of a period with flows.
        on: Nanos,
        /// Mean length of a pause.
        off: Nanos,
    },
}

/// How a size is drawn.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SizeModel {
    /// Always the mean.
    Fixed,
    /// Exponential.
    Exponential,
    /// Pareto with this shape in hundredths, above 100: most are small, a few hold most of the bytes.
    Pareto {
        /// Shape in hundredths.
        shape: u32,
    },
}

/// A size in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// Mean of the distribution, before [`Size::MAX_FACTOR`] cuts it.
    pub mean: u64,
    /// How it is drawn.
    pub model: SizeModel,
}

impl Size {
    /// No draw is larger than the mean times this.
    pub const MAX_FACTOR: u64 = 10_000;

    /// Draws one.
    pub(super) fn draw(self, random: &mut Stream) -> u64 {
        let most = self.mean.saturating_mul(Self::MAX_FACTOR);
        match self.model {
            SizeModel::Fixed => self.mean,
            SizeModel::Exponential => exponential(random, self.mean).min(most),
            // Minimum times e to the power of an exponential number over the shape (inversion); the mean is
            // minimum * shape / (shape - 1).
            SizeModel::Pareto { shape } => {
                let shape = u64::from(shape.max(101));
                let least = u128::from(self.mean) * u128::from(shape - 100) / u128::from(shape);
                // log2(e) in 32 bits of fraction, over the shape.
                let power = u128::from(exponential(random, 1 << 32)) * 0x1_7154_7652 * 100 / u128::from(shape);
                let power = power >> 32;
                let (whole, fraction) = ((power >> 32) as u32, power as u32);
                let times = u128::from(exp2_fraction(fraction)).checked_shl(whole.min(40)).unwrap_or(u128::MAX);
                u64::try_from(least.saturating_mul(times) >> 32).unwrap_or(u64::MAX).clamp(1, most.max(1))
            }
        }
    }
}

/// An exponentially distributed number with this mean, exactly and in integers: von Neumann's method compares uniform
/// numbers until one is not smaller than the one before; if their count is odd the first one is the fraction, else
/// a whole is added and it begins again ("Various techniques used in connection with random digits", 1951).
pub(crate) fn exponential(random: &mut Stream, mean: u64) -> u64 {
    let mut whole = 0u128;
    loop {
        let first = random.next_u32();
        let (mut last, mut count) = (first, 1);
        loop {
            let next = random.next_u32();
            if next >= last {
                break;
            }
            (last, count) = (next, count + 1);
        }
        if count % 2 == 1 {
            let units = whole << 32 | u128::from(first);
            return u64::try_from((u128::from(mean) * units) >> 32).unwrap_or(u64::MAX);
        }
        whole += 1;
    }
}

/// 2^(1/2), 2^(1/4), ..., each with 32 bits of fraction.
const ROOTS: [u64; 32] = {
    let mut roots = [0; 32];
    let (mut root, mut n) = (2u128 << 32, 0);
    while n < 32 {
        root = (root << 32).isqrt();
        roots[n] = root as u64;
        n += 1;
    }
    roots
};

/// 2 to the power of a 32-bit fraction, with 32 bits of fraction: the product of the roots whose bits are set.
fn exp2_fraction(fraction: u32) -> u64 {
    let set = ROOTS.iter().enumerate().filter(|(n, _)| fraction >> (31 - n) & 1 == 1);
    set.fold(1 << 32, |out, (_, root)| ((u128::from(out) * u128::from(*root)) >> 32) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draws(size: Size, n: usize) -> Vec<u64> {
        let mut random = Stream::new(5, "test", "size");
        (0..n).map(|_| size.draw(&mut random)).collect()
    }

    #[test]
    fn powers_of_two_are_right_to_seven_digits() {
        for (fraction, want) in [(0u32, 1.0f64), (1 << 31, 2f64.sqrt()), (1 << 30, 2f64.powf(0.25)), (u32::MAX, 2.0)] {
            let got = exp2_fraction(fraction) as f64 / 4_294_967_296.0;
            assert!((got - want).abs() < 1e-7, "2^{fraction}: {got} and {want}");
        }
    }

    /// Mean and median as the textbook has them: median of an exponential is mean * ln 2, that of a Pareto is
    /// minimum * 2^(1/shape).
    #[test]
    fn sizes_have_their_distribution() {
        let middle = |mut all: Vec<u64>| {
            all.sort_unstable();
            all[all.len() / 2] as f64
        };
        let mean = |all: &[u64]| all.iter().sum::<u64>() as f64 / all.len() as f64;
        let exponential = draws(Size { mean: 10_000, model: SizeModel::Exponential }, 40_000);
        assert!((mean(&exponential) / 10_000.0 - 1.0).abs() < 0.03, "{}", mean(&exponential));
        assert!((middle(exponential) / 6_931.0 - 1.0).abs() < 0.03);
        let pareto = draws(Size { mean: 10_000, model: SizeModel::Pareto { shape: 250 } }, 40_000);
        assert!(pareto.iter().all(|size| *size >= 5_999), "the minimum is 6,000");
        assert!((mean(&pareto) / 10_000.0 - 1.0).abs() < 0.05, "{}", mean(&pareto));
        assert!((middle(pareto) / (6_000.0 * 2f64.powf(0.4)) - 1.0).abs() < 0.03);
        let heavy = draws(Size { mean: 10_000, model: SizeModel::Pareto { shape: 120 } }, 40_000);
        let (all, mut sorted) = (heavy.iter().sum::<u64>(), heavy);
        sorted.sort_unstable();
        let largest: u64 = sorted[sorted.len() * 99 / 100..].iter().sum();
        assert!(largest * 4 > all, "the largest hundredth holds {largest} of {all}");
    }
}
