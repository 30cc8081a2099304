//! A request's own list of timesteps, written as text: `999, 749, 499, 249`. diffusers: `timesteps`
//! of `StableDiffusionPipeline`.

use super::{Request, STEPS_MAX};
use crate::error::{Error, Result};

impl Request {
    /// The numbers of its list of timesteps; `None` where it has no list. Empty text is none.
    ///
    /// # Errors
    /// [`Error::Request`] for text that is no list of whole numbers.
    pub fn custom_timesteps(&self) -> Result<Option<Vec<usize>>> {
        let Some(text) = self.timesteps.as_deref().map(str::trim).filter(|text| !text.is_empty())
        else {
            return Ok(None);
        };
        let text = text.trim_start_matches('[').trim_end_matches(']');
        let number = |part: &str| {
            part.trim().parse::<usize>().map_err(|_| {
                let reason = format!(
                    "must be whole numbers with commas between them, as in 999, 499, not `{part}`"
                );
                Error::Request { field: "timesteps", reason }
            })
        };
        // A longer list cannot descend through the timesteps of any schedule here.
        let most = STEPS_MAX as usize + 1;
        text.split(',').take(most).map(number).collect::<Result<Vec<_>>>().map(Some)
    }

    /// Checks that there are as many timesteps as steps. The sampler checks them by its schedule.
    ///
    /// # Errors
    /// [`Error::Request`] for another number of them, or text that is no list.
    pub(super) fn check_timesteps(&self) -> Result<()> {
        match self.custom_timesteps()? {
            Some(list) if list.len() != self.steps as usize => {
                let reason = format!(
                    "must be {}, as many as there are timesteps, not {}",
                    list.len(),
                    self.steps
                );
                Err(Error::Request { field: "steps", reason })
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_numbers_with_commas() {
        let of = |text: &str| {
            let request = Request { timesteps: Some(text.into()), ..Request::default() };
            request.custom_timesteps()
        };
        assert_eq!(of("800"), Ok(Some(vec![800])));
        assert_eq!(of(" [999, 499,0] "), Ok(Some(vec![999, 499, 0])));
        assert_eq!((of(" "), Request::default().custom_timesteps()), (Ok(None), Ok(None)));
        for wrong in ["800;", "8.5", "-1", "1,,2", "a"] {
            let Err(Error::Request { field, reason }) = of(wrong) else { panic!("{wrong}") };
            assert_eq!(field, "timesteps");
            assert!(reason.contains("must be whole numbers"), "{reason}");
        }
    }

    #[test]
    fn there_are_as_many_as_steps() {
        let request = Request { timesteps: Some("800".into()), ..Request::default() };
        let Err(Error::Request { field, reason }) = request.check_timesteps() else { panic!() };
        assert_eq!((field, &reason[..10]), ("steps", "must be 1,"));
        assert_eq!(Request { steps: 1, ..request }.check_timesteps(), Ok(()));
    }
}
