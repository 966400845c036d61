//! Objects are objects: what is documented as one is not read from a list of its parts in their order, as serde would.

use std::vec;

use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error as _, IntoDeserializer as _, MapAccess, SeqAccess, Visitor},
    forward_to_deserialize_any,
};
use serde_json::{Error, Value, map};

/// The value as this type.
pub fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, Error> {
    T::deserialize(Documented(value))
}

/// The text as this type, which is an object.
pub fn from_slice<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    match text.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(text),
        Some(_) | None => Err(Error::custom("not an object")),
    }
}

struct Documented(Value);

impl<'de> Deserializer<'de> for Documented {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(items) => visitor.visit_seq(Items(items.into_iter())),
            Value::Object(fields) => visitor.visit_map(Fields { fields: fields.into_iter(), value: None }),
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                other.deserialize_any(visitor)
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.0.is_object() { self.deserialize_any(visitor) } else { Err(Error::custom("not an object")) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map enum identifier ignored_any
    }
}

struct Items(vec::IntoIter<Value>);

impl<'de> SeqAccess<'de> for Items {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        self.0.next().map(|item| seed.deserialize(Documented(item))).transpose()
    }
}

struct Fields {
    fields: map::IntoIter,
    value: Option<Value>,
}

impl<'de> MapAccess<'de> for Fields {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some((name, value)) = self.fields.next() else { return Ok(None) };
        self.value = Some(value);
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let value = self.value.take().ok_or_else(|| Error::custom("a value without a name"))?;
        seed.deserialize(Documented(value))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Part {
        text: Option<String>,
        number: i64,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Whole {
        parts: Vec<Part>,
    }

    #[test]
    fn an_object_is_not_read_from_a_list_of_its_parts_at_any_depth() {
        let part = Part { text: Some("a".to_owned()), number: 1 };
        assert_eq!(from_value::<Part>(json!({"number": 1, "more": [1], "text": "a"})).unwrap(), part);
        assert_eq!(
            from_value::<Whole>(json!({"parts": [{"text": "a", "number": 1}]})).unwrap(),
            Whole { parts: vec![part] }
        );
        assert!(from_value::<Part>(json!(["a", 1])).is_err());
        assert!(from_value::<Whole>(json!({"parts": [["a", 1]]})).is_err());
        assert!(from_slice::<Part>(br#" {"text": null, "number": 1}"#).is_ok());
        assert!(from_slice::<Part>(br#"["a", 1]"#).is_err() && from_slice::<Part>(b"").is_err());
    }
}
