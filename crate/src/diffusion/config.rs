//! Reads `scheduler_config.json`: which fields are used, and which of their values are supported.
//!
//! A field that another scheduler class left in the file and that changes nothing is ignored. A
//! field that would change the picture is either supported, or refused in an error that names it.

use serde_json::{Map, Value};

use super::schedule::{Prediction, Schedule, linspace};
use super::sigma_schedule::SigmaSchedule;
use crate::error::{Error, Result, bad_file};
use crate::json::from_python;

/// The most training timesteps that are accepted; v1.4 has 1000.
const MAX_TRAINED: u64 = 100_000;

/// Classes of models distilled for few steps. Betas that the file leaves out are v1.4's with them.
const FEW_STEPS: [&str; 2] = ["LCMScheduler", "TCDScheduler"];

/// Fields that change the picture, with the only values that are supported besides null.
const ONLY: [(&str, &[&str]); 6] = [
    ("thresholding", &["false"]),
    ("interpolation_type", &["\"linear\""]),
    ("timestep_type", &["\"discrete\""]),
    ("final_sigmas_type", &["\"zero\""]),
    ("sigma_min", &[]),
    ("sigma_max", &[]),
];

/// Parts of names of scheduler classes whose models were trained with another kind of noise
/// schedule, without betas.
const OTHER_CLASSES: [&str; 2] = ["FlowMatch", "EDM"];

impl Schedule {
    /// From the bytes of `scheduler/scheduler_config.json`; `file` is its name in messages. Missing
    /// fields have diffusers' defaults.
    ///
    /// Latents are never clipped: the Stable Diffusion pipeline of diffusers switches `clip_sample`
    /// off whatever the file says, and so it is here.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field whose value is not supported, [`Error::BadFile`] when the
    /// file is not JSON.
    pub fn from_json(file: &str, json: &[u8]) -> Result<Self> {
        read(file, json)
    }
}

/// Reads the file into a schedule.
fn read(file: &str, json: &[u8]) -> Result<Schedule> {
    let fields: Map<String, Value> = serde_json::from_slice(&from_python(json))
        .map_err(|error| bad_file(file, format!("it is not a JSON object: {error}")))?;
    let config = Config { file, fields };
    for (field, allowed) in ONLY {
        let value = config.get(field).map(Value::to_string);
        if let Some(value) = value.filter(|value| !allowed.contains(&value.as_str())) {
            return Err(config.refuse(field, &format!("is {value}, which is not supported")));
        }
    }
    if let Some(class) = config.text("_class_name")?
        && OTHER_CLASSES.iter().any(|other| class.contains(other))
    {
        return Err(config.refuse("_class_name", &format!("is {class}, which is not supported")));
    }
    let class = config.text("_class_name")?.filter(|class| FEW_STEPS.contains(class));
    let mut schedule = Schedule::from_betas(betas(&config, class.is_some())?);
    schedule.class = class.map(str::to_owned);
    schedule.prediction = match config.text("prediction_type")?.unwrap_or("epsilon") {
        "epsilon" => Prediction::Epsilon,
        "v_prediction" => Prediction::V,
        other => return Err(config.unknown("prediction_type", other)),
    };
    schedule.spacing = match config.text("timestep_spacing")? {
        None => None,
        Some(name) => {
            let spacing = name.parse().map_err(|_| config.unknown("timestep_spacing", name));
            Some(spacing?)
        }
    };
    schedule.steps_offset =
        config.integer("steps_offset", 0, schedule.num_train_timesteps() as u64)?;
    schedule.set_alpha_to_one = config.flag("set_alpha_to_one")?;
    schedule.sigma_schedule = sigma_schedule(&config)?;
    schedule.rescale_betas_zero_snr = config.flag("rescale_betas_zero_snr")?.unwrap_or(false);
    schedule.lower_order_final = config.flag("lower_order_final")?.unwrap_or(true);
    schedule.skip_prk_steps = config.flag("skip_prk_steps")?.unwrap_or(false);
    let most = schedule.num_train_timesteps() as u64;
    schedule.original_inference_steps = config.integer("original_inference_steps", 50, most)?;
    if schedule.original_inference_steps == 0 {
        return Err(config.refuse("original_inference_steps", "is 0"));
    }
    if let Some(value) = config.get("timestep_scaling") {
        let scaling = value.as_f64().filter(|scaling| scaling.is_finite() && *scaling > 0.0);
        schedule.timestep_scaling =
            scaling.ok_or_else(|| config.refuse("timestep_scaling", "is not a positive number"))?;
    }
    Ok(schedule)
}

/// The one of the schedules of σ that the file switches on.
fn sigma_schedule(config: &Config) -> Result<SigmaSchedule> {
    let mut chosen = SigmaSchedule::Normal;
    for (field, kind) in [
        ("use_karras_sigmas", SigmaSchedule::Karras),
        ("use_exponential_sigmas", SigmaSchedule::Exponential),
        ("use_beta_sigmas", SigmaSchedule::Beta),
    ] {
        if config.flag(field)? == Some(true) {
            if chosen != SigmaSchedule::Normal {
                return Err(config.refuse(field, &format!("is true, beside {chosen} sigmas")));
            }
            chosen = kind;
        }
    }
    Ok(chosen)
}

/// `few_steps`: whether the class is one of [`FEW_STEPS`].
fn betas(config: &Config, few_steps: bool) -> Result<Vec<f32>> {
    let num_train_timesteps = config.integer("num_train_timesteps", 1000, MAX_TRAINED)?;
    if num_train_timesteps == 0 {
        return Err(config.refuse("num_train_timesteps", "is 0"));
    }
    if let Some(list) = config.get("trained_betas") {
        let betas = list.as_array().map(|list| list.iter().map(beta).collect::<Option<Vec<_>>>());
        let betas = betas.flatten().filter(|betas| betas.len() == num_train_timesteps);
        return betas.ok_or_else(|| {
            let reason = format!("is not a list of {num_train_timesteps} numbers between 0 and 1");
            config.refuse("trained_betas", &reason)
        });
    }
    let (start, end, kind) = match few_steps {
        true => (0.00085, 0.012, "scaled_linear"),
        false => (0.0001, 0.02, "linear"),
    };
    let start = config.fraction("beta_start", start)?;
    let end = config.fraction("beta_end", end)?;
    match config.text("beta_schedule")?.unwrap_or(kind) {
        "linear" => Ok(linspace(start, end, num_train_timesteps)),
        "scaled_linear" => {
            let roots = linspace(start.sqrt(), end.sqrt(), num_train_timesteps);
            Ok(roots.into_iter().map(|root| root * root).collect())
        }
        other => Err(config.unknown("beta_schedule", other)),
    }
}

fn beta(value: &Value) -> Option<f32> {
    value.as_f64().filter(|beta| *beta > 0.0 && *beta < 1.0).map(|beta| beta as f32)
}

/// The file's fields, and errors that name them.
struct Config<'a> {
    file: &'a str,
    fields: Map<String, Value>,
}

impl Config<'_> {
    /// A field that is there and not null.
    fn get(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }

    fn text(&self, field: &str) -> Result<Option<&str>> {
        let text = |value: &'_ Value| value.is_string().then_some(());
        match self.get(field) {
            Some(value) if text(value).is_none() => Err(self.refuse(field, "is not a text")),
            value => Ok(value.and_then(Value::as_str)),
        }
    }

    fn flag(&self, field: &str) -> Result<Option<bool>> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(self.refuse(field, "is neither true nor false")),
        }
    }

    fn integer(&self, field: &str, default: usize, most: u64) -> Result<usize> {
        let Some(value) = self.get(field) else { return Ok(default) };
        let integer = value.as_u64().filter(|integer| *integer <= most);
        let integer = integer.and_then(|integer| usize::try_from(integer).ok());
        integer
            .ok_or_else(|| self.refuse(field, &format!("is not a whole number from 0 to {most}")))
    }

    /// A number between 0 and 1, both excluded.
    fn fraction(&self, field: &str, default: f64) -> Result<f64> {
        let Some(value) = self.get(field) else { return Ok(default) };
        let fraction = value.as_f64().filter(|fraction| *fraction > 0.0 && *fraction < 1.0);
        fraction.ok_or_else(|| self.refuse(field, "is not a number between 0 and 1"))
    }

    fn unknown(&self, field: &str, value: &str) -> Error {
        self.refuse(field, &format!("is `{value}`, which is not supported"))
    }

    fn refuse(&self, field: &str, reason: &str) -> Error {
        Error::Config {
            file: self.file.to_owned(),
            field: field.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
