//! The description of a request's field as data: its values, what it does, its names in other
//! programs. The macro `request_fields!` makes a struct and the table of its fields from one list.
//! All code that reads, checks, writes or documents requests uses that table.

use super::names::unknown_sampler;
use super::value::FieldValue;
use crate::error::{Error, Result};

/// The longest side of an image, whatever the adapter: 16 times that of SD v1.4.
pub const SIDE_MAX: u32 = 8192;

/// What a model can be asked for; part of its description.
#[derive(Debug, Clone, Copy)]
pub struct Allowed<'a> {
    /// Pixels per latent along each side: width and height are multiples of it.
    pub factor: u32,
    /// Width and height for a request that names none.
    pub size: [u32; 2],
    /// Names of samplers.
    pub samplers: &'a [&'static str],
    /// Layers of the text encoder.
    pub text_layers: u32,
    /// Whether its UNet takes the guidance scale as an input; see
    /// [`UnetConfig`](crate::models::unet::UnetConfig).
    pub embeds_guidance: bool,
}

/// The type of a field and its bounds, as far as they do not depend on other fields.
#[derive(Debug, Clone, Copy)]
pub enum FieldType {
    /// Any text.
    Text,
    /// A whole number of 64 bits; in JSON as text, since JavaScript's numbers end at 2⁵³.
    Seed,
    /// True or false.
    Flag,
    /// A whole number, both ends included.
    Whole(u32, u32),
    /// A number, both ends included; an infinite end means no bound.
    Number(f64, f64),
    /// One of these names.
    Name(fn() -> Vec<&'static str>),
    /// The name of one of the model's samplers.
    Sampler,
    /// A layer of the model's text encoder, counted from the last, which is 1.
    TextLayer,
    /// A side of the image in pixels: a multiple of the model's factor.
    Side,
    /// Two numbers from 0 to 1, the smaller one first.
    Interval,
}

/// How a field is written in the infotext, the text that Stable Diffusion programs share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Infotext {
    /// The name there.
    pub name: &'static str,
    /// Its place in the order of the line; fields that share a name share the place.
    pub place: u8,
    /// Whether it is written even if it has its default.
    pub always: bool,
    /// How its value is written.
    pub form: Form,
}

/// How a value is written in the infotext.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// As it is.
    Plain,
    /// This word for true; false is not written.
    Word(&'static str),
    /// Names as AUTOMATIC1111's web UI has them: (here, there); others are as they are.
    Renamed(&'static [(&'static str, &'static str)]),
    /// As the first (0) or second (1) part of `512x768`.
    Part(usize),
    /// A sampler by the name in AUTOMATIC1111's web UI, if it has one there.
    Sampler,
    /// A schedule of σ by the name there.
    Sigmas,
    /// With a capital letter; a name that is none of the field's is a file's.
    Upscaler,
}

/// The description of a field, beside its name and its documentation.
#[derive(Debug, Clone, Copy)]
pub struct FieldInfo {
    /// Its type.
    pub kind: FieldType,
    /// The unit of its number.
    pub unit: Option<&'static str>,
    /// What applies when it has no value, in words.
    pub without: Option<&'static str>,
    /// The name of the same argument in diffusers' pipelines and schedulers.
    pub diffusers: Option<&'static str>,
    /// The program's option, where it is not the name with dashes.
    pub flag: Option<&'static str>,
    /// Other names in lists of requests and in links.
    pub aliases: &'static [&'static str],
    /// How it is written in the infotext's line of fields; `None` for the prompts, which have lines
    /// of their own.
    pub infotext: Option<Infotext>,
    /// Whether it is a shortcut, which makes the run faster and changes the image. It is off by
    /// default, and written only when it is on.
    pub faster: bool,
}

/// The description of a field of this type.
pub(super) const fn of_type(kind: FieldType) -> FieldInfo {
    FieldInfo {
        kind,
        unit: None,
        without: None,
        diffusers: None,
        flag: None,
        aliases: &[],
        infotext: None,
        faster: false,
    }
}

impl FieldInfo {
    pub(super) const fn unit(self, unit: &'static str) -> FieldInfo {
        FieldInfo { unit: Some(unit), ..self }
    }

    pub(super) const fn without(self, without: &'static str) -> FieldInfo {
        FieldInfo { without: Some(without), ..self }
    }

    pub(super) const fn diffusers(self, name: &'static str) -> FieldInfo {
        FieldInfo { diffusers: Some(name), ..self }
    }

    pub(super) const fn flag(self, flag: &'static str) -> FieldInfo {
        FieldInfo { flag: Some(flag), ..self }
    }

    pub(super) const fn aliases(self, aliases: &'static [&'static str]) -> FieldInfo {
        FieldInfo { aliases, ..self }
    }

    pub(super) const fn faster(self) -> FieldInfo {
        FieldInfo { faster: true, ..self }
    }

    /// Written in the infotext with this place and name, whatever its value.
    pub(super) const fn infotext_always(self, place: u8, name: &'static str) -> FieldInfo {
        FieldInfo {
            infotext: Some(Infotext { name, place, always: true, form: Form::Plain }),
            ..self
        }
    }

    /// Written in the infotext with this place and name if it does not have its default.
    pub(super) const fn infotext_if_changed(self, place: u8, name: &'static str) -> FieldInfo {
        FieldInfo {
            infotext: Some(Infotext { name, place, always: false, form: Form::Plain }),
            ..self
        }
    }

    /// The form of its value in the infotext.
    pub(super) const fn form(self, form: Form) -> FieldInfo {
        match self.infotext {
            Some(text) => FieldInfo { infotext: Some(Infotext { form, ..text }), ..self },
            None => self,
        }
    }
}

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// The name in JSON, in links and in Rust.
    pub name: &'static str,
    /// The name in errors: in words.
    pub words: &'static str,
    /// What it does, in plain sentences; Markdown.
    pub about: &'static str,
    /// Whether it may be null; `without` says what applies then.
    pub optional: bool,
    /// The rest of the description.
    pub info: FieldInfo,
}

impl Field {
    /// The option of the command line, without the leading dashes.
    pub fn flag(&self) -> String {
        self.info.flag.map_or_else(|| self.name.replace('_', "-"), str::to_owned)
    }

    /// The error for a value that this field does not accept.
    pub fn refused(&self, reason: String) -> Error {
        Error::Request { field: self.words, reason }
    }

    /// What a value must be, as the text after "must be", for any model.
    pub fn wanted(&self) -> String {
        let off = |least: String| if self.info.faster { format!("{least} (off)") } else { least };
        match self.info.kind {
            FieldType::Text => "text".into(),
            FieldType::Seed => format!("a whole number from 0 to {}", u64::MAX),
            FieldType::Flag => "true or false".into(),
            FieldType::Whole(least, most) => {
                format!("a whole number from {} to {most}", off(least.to_string()))
            }
            FieldType::Number(least, most) if (least, most) == ANY => {
                "a finite number of 32 bits".into()
            }
            FieldType::Number(least, most) => {
                format!("a number from {} to {most}", off(least.to_string()))
            }
            FieldType::Name(_) | FieldType::Sampler => "a name".into(),
            FieldType::TextLayer => "a whole number from 1 on".into(),
            FieldType::Side => "a whole number of pixels".into(),
            FieldType::Interval => {
                "two numbers from 0 to 1, where guidance starts and ends, as in [0.2, 0.8]".into()
            }
        }
    }

    /// The names that the field accepts, if it accepts only names.
    pub fn names(&self, samplers: &[&'static str]) -> Option<Vec<&'static str>> {
        match self.info.kind {
            FieldType::Name(names) => Some(names()),
            FieldType::Sampler => Some(samplers.to_vec()),
            _ => None,
        }
    }

    /// Checks a value on its own, without the other fields.
    ///
    /// # Errors
    /// [`Error::Request`] with the name of this field and what a value must be.
    pub(super) fn check(&self, held: FieldValue<'_>, allowed: &Allowed<'_>) -> Result<()> {
        let refuse = |reason: String| Err(self.refused(reason));
        match (self.info.kind, held) {
            (FieldType::Whole(least, most), FieldValue::Whole(n))
                if !(least..=most).contains(&n) =>
            {
                refuse(format!("must be {}, not {n}", self.wanted()))
            }
            (FieldType::Number(least, most), FieldValue::Number(n))
                // It is used as an f32.
                if !(n as f32).is_finite() || !(least..=most).contains(&n) =>
            {
                let told = if n.abs() < 1e16 { n.to_string() } else { format!("{n:e}") };
                refuse(format!("must be {}, not {told}", self.wanted()))
            }
            (FieldType::Name(_) | FieldType::Sampler, FieldValue::Text(name)) => {
                if matches!(self.info.kind, FieldType::Sampler) {
                    unknown_sampler(name)?;
                }
                match self.names(allowed.samplers) {
                    Some(names) if !names.contains(&name) => {
                        refuse(format!("must be one of {}, not `{name}`", names.join(", ")))
                    }
                    _ => Ok(()),
                }
            }
            (FieldType::TextLayer, FieldValue::Whole(n))
                if !(1..=allowed.text_layers).contains(&n) =>
            {
                refuse(format!("must be from 1 to {}, not {n}", allowed.text_layers))
            }
            (FieldType::Side, FieldValue::Whole(n)) if n == 0 || n % allowed.factor != 0 => {
                refuse(format!("must be a positive multiple of {}, not {n}", allowed.factor))
            }
            (FieldType::Side, FieldValue::Whole(n)) if n > SIDE_MAX => {
                refuse(format!("must be at most {SIDE_MAX}, not {n}"))
            }
            (FieldType::Interval, FieldValue::Interval([start, end])) => {
                if !(0.0..=1.0).contains(&start) || !(0.0..=1.0).contains(&end) {
                    refuse(format!("must be {}, not [{start}, {end}]", self.wanted()))
                } else if start >= end {
                    refuse(format!("must start before it ends, unlike [{start}, {end}]"))
                } else {
                    Ok(())
                }
            }
            _ => Ok(()),
        }
    }
}

/// Numbers without bounds.
pub(super) const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

/// A field's name in words: underscores become spaces.
pub(super) const fn in_words<const N: usize>(name: &str) -> [u8; N] {
    let mut bytes = [0; N];
    let mut i = 0;
    while i < N {
        bytes[i] = if name.as_bytes()[i] == b'_' { b' ' } else { name.as_bytes()[i] };
        i += 1;
    }
    bytes
}

/// A struct and the table of its fields from one list: for each field what it does (its
/// documentation), its name, type, default, and its [`FieldInfo`]. After `..` comes a struct with
/// more fields, made in the same way.
macro_rules! request_fields {
    (
        $(#[doc = $title:literal])+
        $(#[derive($($derive:ident),+)])?
        pub struct $struct:ident {
            $(
                $(#[doc = $about:literal])+
                $(#[serde($($serde:tt)+)])?
                $field:ident: $type:ty = $default:expr, $info:expr;
            )+
            $( .. $(#[doc = $more_about:literal])+ $more:ident: $more_type:ty )?
        }
    ) => {
        $(#[doc = $title])+
        $(#[derive($($derive),+)])?
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct $struct {
            $(
                $(#[doc = $about])+
                $(#[serde($($serde)+)])?
                pub $field: $type,
            )+
            $( $(#[doc = $more_about])+ #[serde(flatten)] pub $more: $more_type, )?
        }

        impl Default for $struct {
            fn default() -> Self {
                $struct { $($field: $default,)+ $($more: Default::default(),)? }
            }
        }

        impl $struct {
            /// The table of its own fields, in their order.
            const OWN: &[Field] = &[$(
                Field {
                    name: stringify!($field),
                    words: {
                        const WORDS: [u8; stringify!($field).len()] =
                            crate::request::field::in_words(stringify!($field));
                        match str::from_utf8(&WORDS) {
                            Ok(words) => words,
                            Err(_) => panic!("a name of letters"),
                        }
                    },
                    about: concat!($($about),+).trim_ascii(),
                    optional: <$type as Entry>::OPTIONAL,
                    info: $info,
                },
            )+];

            /// The value of a field; `None` if there is no such field.
            pub(in crate::request) fn held(&self, name: &str) -> Option<FieldValue<'_>> {
                $( if name == stringify!($field) { return Some(self.$field.held()); } )+
                $( if let Some(held) = self.$more.held(name) { return Some(held); } )?
                None
            }

            /// Sets a field from JSON or from text; false when the value is not of its type or
            /// there is no such field.
            pub(in crate::request) fn set(&mut self, name: &str, given: Given<'_>) -> bool {
                $(
                    if name == stringify!($field) {
                        return <$type as Entry>::read(given)
                            .map(|value| self.$field = value)
                            .is_some();
                    }
                )+
                $( if self.$more.set(name, given) { return true; } )?
                false
            }
        }
    };
}
