package store

import "github.com/tandem-sync/tandem"

// EncodeBaseline and DecodeBaseline write and read what is stored of a row that both sides agreed on.
func EncodeBaseline(values []tandem.Value, columns []string) string {
	return newAgreedColumns(columns).encode(values)
}

func DecodeBaseline(data string, columns []string) ([]tandem.Value, error) {
	return newAgreedColumns(columns).decode(data)
}

// BaselineByName reads it by way of a map, as history is read.
func BaselineByName(data string, columns []string) ([]tandem.Value, error) {
	stored, err := fromJSON[baseline](&data)
	if err != nil {
		return nil, err
	}
	return stored.values(columns), nil
}
