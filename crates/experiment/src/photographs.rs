//! What a retraining sees of photographs, where it has photographs instead of the images of its search.

use hnas_data::{
    Augmentation, CentreCrop, DataError, DataSet, Distortion, FolderManifest, ImageFolder, TestPhotographs,
    TrainPhotographs, TransformError, Workers,
};
use hnas_engine::Recipe;
use serde::{Deserialize, Serialize};

use crate::ExperimentError;

/// Photographs that a genotype is trained and scored on, and what is seen of them: squares of the recipe's `crop`, mirrored
/// if the recipe says `flip`. The steps are those of [`Augmentation`] and [`CentreCrop`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Photographs {
    /// Name of the data set, a folder of photographs.
    pub dataset: String,
    /// Least and largest share of a photograph's area that a training sees.
    pub area: [f64; 2],
    /// Least and largest width of what it sees, divided by its height.
    pub aspect: [f64; 2],
    /// The most that is added to or taken from every value, where 255 counts as 1.
    pub brightness: f64,
    /// Least and largest factor on the distance of a value from its channel's mean.
    pub contrast: [f64; 2],
    /// In a test, pixels of the shorter side of a photograph, from whose middle the square is cut.
    pub shorter: u32,
}

impl Photographs {
    /// The manifest of their folder.
    ///
    /// # Errors
    /// When there is no such data set, or it is no folder of photographs.
    pub fn manifest(&self) -> Result<FolderManifest, ExperimentError> {
        match DataSet::builtin(&self.dataset)? {
            DataSet::Folder(manifest) => Ok(manifest),
            DataSet::Records(_) => {
                let known = FolderManifest::builtin_names().collect::<Vec<_>>().join(", ");
                Err(DataError::UnknownDataSet { name: self.dataset.clone(), known }.into())
            }
        }
    }

    /// What a training sees of each photograph.
    pub(crate) fn augmentation(&self, recipe: &Recipe) -> Result<Augmentation, TransformError> {
        let &Photographs { dataset: _, area, aspect, brightness, contrast, shorter: _ } = self;
        let (size, flip) = (side(recipe), recipe.flip());
        Distortion { size, area, aspect, flip, brightness, contrast }.try_into()
    }

    /// What a test sees of each photograph.
    pub(crate) fn centre(&self, recipe: &Recipe) -> Result<CentreCrop, TransformError> {
        CentreCrop::new(side(recipe), self.shorter)
    }

    /// The photographs of a folder that is opened.
    pub(crate) fn of(
        &self,
        folder: &ImageFolder,
        recipe: &Recipe,
        workers: Workers,
    ) -> Result<(TrainPhotographs, TestPhotographs), ExperimentError> {
        let (augmentation, centre) = (self.augmentation(recipe)?, self.centre(recipe)?);
        Ok((folder.training(augmentation, workers), folder.test(centre, workers)))
    }
}

/// Rows and columns of what is seen.
fn side(recipe: &Recipe) -> u32 {
    u32::try_from(recipe.crop()).unwrap_or(u32::MAX)
}
