//! A request's four scales of FreeU, written as text: `0.9, 0.2, 1.3, 1.4`. diffusers:
//! `enable_freeu(s1, s2, b1, b2)`.

use super::Request;
use crate::diffusion::FreeU;
use crate::error::{Error, Result};

impl Request {
    /// The scales; `None` where it asks for none. Empty text is none.
    ///
    /// # Errors
    /// [`Error::Request`] for text that is not four numbers above 0 and up to [`FreeU::MAX`].
    pub fn freeu_scales(&self) -> Result<Option<FreeU>> {
        let Some(text) = self.freeu.as_deref().map(str::trim).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let inner = text.trim_start_matches('[').trim_end_matches(']');
        let number = |part: &str| part.trim().parse::<f64>().ok();
        let within = |scale: &f64| *scale > 0.0 && *scale <= FreeU::MAX;
        let scales = inner.split(',').take(5).map(|part| number(part).filter(within));
        let scales = scales.collect::<Option<Vec<_>>>().and_then(|all| all.try_into().ok());
        scales.map(|scales| Some(FreeU::new(scales))).ok_or_else(|| {
            let reason = format!(
                "must be four numbers above 0 and up to {} with commas between them, s1, s2, b1 \
                 and b2, as in 0.9, 0.2, 1.3, 1.4, not `{text}`",
                FreeU::MAX
            );
            Error::Request { field: "freeu", reason }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_four_numbers() {
        let of =
            |text: &str| Request { freeu: Some(text.into()), ..Request::default() }.freeu_scales();
        let published = FreeU::new([0.9, 0.2, 1.3, 1.4]);
        assert_eq!(of("0.9, 0.2, 1.3, 1.4"), Ok(Some(published)));
        assert_eq!(of(" [0.9,0.2,1.3,1.4] "), Ok(Some(published)));
        assert_eq!((of(" "), Request::default().freeu_scales()), (Ok(None), Ok(None)));
        assert_eq!(published.of_block(0), Some([1.3, 0.9]));
        assert_eq!((published.of_block(1), published.of_block(2)), (Some([1.4, 0.2]), None));
        for wrong in
            ["1", "1,1,1", "1,1,1,1,1", "1,1,1,-1", "1,0,1,1", "1,1,1,5", "1,1,1,nan", "a,b,c,d"]
        {
            let Err(Error::Request { field, reason }) = of(wrong) else { panic!("{wrong}") };
            assert_eq!(field, "freeu");
            assert!(reason.contains("must be four numbers"), "{reason}");
        }
    }
}
