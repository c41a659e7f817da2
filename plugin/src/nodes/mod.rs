//! The node types, one file each, with the items in the same order: the node's table, its
//! fields, its validators, its request, its typed form.

use zoetrope_node_sdk::node::Pack;

mod advice;
pub mod image_to_video;
pub mod image_to_video_v3;
pub mod popiart_image2video;
pub mod popiart_img2img;
mod popiart_source;
pub mod shortapi_poppy;

/// Every node type, in the order that builders list them.
pub static PACK: Pack = Pack {
    nodes: &[
        &image_to_video::NODE,
        &image_to_video_v3::NODE,
        &shortapi_poppy::NODE,
        &popiart_image2video::NODE,
        &popiart_img2img::NODE,
    ],
};

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use zoetrope_node_sdk::field::Default;

    use super::*;

    #[test]
    fn node_fields_are_the_properties_of_the_schema() {
        for node in PACK.nodes {
            let schema: Value = serde_json::from_str(node.input_schema).unwrap();
            let properties = schema["properties"].as_object().unwrap();
            assert_eq!(properties.len(), node.fields.len(), "{}", node.name);
            for field in node.fields {
                let property = &properties[field.name];
                let place = format!("{}: {}", node.name, field.name);
                assert_eq!(
                    property.get("default").cloned(),
                    field.default.map(Default::value),
                    "{place}"
                );
                let branch = property.pointer("/anyOf/0").unwrap_or(property);
                assert_eq!(branch["type"], field.kind.name(), "{place}");
            }
        }
    }

    #[test]
    fn node_fields_are_in_the_order_of_the_schema() {
        for node in PACK.nodes {
            let places: Vec<_> = node
                .fields
                .iter()
                .map(|field| {
                    node.input_schema
                        .find(&format!("\"{}\": {{", field.name))
                        .unwrap()
                })
                .collect();
            assert!(places.is_sorted(), "{}", node.name);
        }
    }

    #[test]
    fn media_fields_exist() {
        for node in PACK.nodes {
            for (schema, media) in [
                (node.input_schema, node.input_media),
                (node.output_schema, node.output_media),
            ] {
                let schema: Value = serde_json::from_str(schema).unwrap();
                for field in media {
                    let property = schema.pointer(&format!("/properties{}", field.pointer));
                    assert!(property.is_some(), "{}: {}", node.name, field.pointer);
                }
            }
        }
    }
}
