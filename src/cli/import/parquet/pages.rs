//! Pages of a column, looked at before the library unpacks them.
//!
//! It takes room for as many values as a page says it has, and does not expect a page
//! that points into a dictionary before there is one. Both are how a damaged file
//! could end the process, for which there is no answer afterwards.

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

/// The pages of a reader that are what they say.
pub(super) struct Checked {
    pages: Box<dyn PageReader>,
    dictionary: bool,
}

impl Checked {
    pub fn new(pages: Box<dyn PageReader>) -> Checked {
        Checked { pages, dictionary: false }
    }

    fn check(&mut self, page: &Page) -> Result<()> {
        let by_dictionary = |encoding: Encoding| {
            matches!(encoding, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY)
        };
        match page {
            // The least that a value takes is the length of a text, four bytes.
            Page::DictionaryPage { buf, num_values, .. } => {
                self.dictionary = true;
                let room = buf.len() / 4;
                (*num_values as usize <= room).then_some(()).ok_or("a dictionary is too short")
            }
            Page::DataPage { encoding, def_level_encoding, .. } => {
                let levels = *def_level_encoding == Encoding::RLE;
                let known = !by_dictionary(*encoding) || self.dictionary;
                (levels && known).then_some(()).ok_or("a page is of no known form")
            }
            Page::DataPageV2 {
                buf, encoding, def_levels_byte_len, rep_levels_byte_len, ..
            } => {
                let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                let known = !by_dictionary(*encoding) || self.dictionary;
                let whole = levels <= buf.len() as u64 && known;
                whole.then_some(()).ok_or("a page is of no known form")
            }
        }
        .map_err(|why| ParquetError::General(why.to_owned()))
    }
}

impl Iterator for Checked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Checked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let page = self.pages.get_next_page()?;
        page.iter().try_for_each(|page| self.check(page))?;
        Ok(page)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }
}
