package tandem_test

import (
	"crypto/rand"
	"regexp"
	"testing"

	"github.com/tandem-sync/tandem"
)

func TestTokenSecret(t *testing.T) {
	shape := regexp.MustCompile(`^tdm_[a-z0-9]{12}_[0-9A-Za-z]{49}$`)
	seen := map[string]bool{}
	var random [32]byte
	for i := range 1000 {
		if i > 0 { // the first one is all zeros
			_, _ = rand.Read(random[:])
		}
		secret := tandem.NewTokenSecret("k3j2h4g5f6d7", random)
		if !shape.MatchString(secret) || seen[secret] {
			t.Fatalf("%q is not a secret of its own", secret)
		}
		seen[secret] = true
		if id, ok := tandem.ReadTokenSecret(secret); !ok || id != "k3j2h4g5f6d7" {
			t.Fatalf("%q was read as %q, %v", secret, id, ok)
		}
	}
}

// The largest number still fits.
func TestTokenSecretOfOnes(t *testing.T) {
	var random [32]byte
	for i := range random {
		random[i] = 0xff
	}
	secret := tandem.NewTokenSecret("000000000000", random)
	if _, ok := tandem.ReadTokenSecret(secret); !ok || len(secret) != 66 {
		t.Errorf("%q, %d characters", secret, len(secret))
	}
}

// Whatever single character is misspelt, left out or added, it is no secret any more.
func TestMisspeltTokenSecret(t *testing.T) {
	secret := tandem.NewTokenSecret("k3j2h4g5f6d7", [32]byte{1, 2, 3})
	for i := range len(secret) {
		other := byte('x')
		if secret[i] == other {
			other = 'y'
		}
		for _, text := range []string{secret[:i] + string(other) + secret[i+1:], secret[:i] + secret[i+1:], secret[:i] + "0" + secret[i:]} {
			if _, ok := tandem.ReadTokenSecret(text); ok && text != secret {
				t.Errorf("%q was taken", text)
			}
		}
	}
	for _, text := range []string{"", "tdm_", secret + "\n", " " + secret, "Bearer " + secret} {
		if _, ok := tandem.ReadTokenSecret(text); ok {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestRoles(t *testing.T) {
	for i, have := range tandem.Roles {
		for j, need := range tandem.Roles {
			if have.Includes(need) != (i >= j) {
				t.Errorf("%s includes %s: %v", have, need, have.Includes(need))
			}
		}
		if have.Includes("") || tandem.Role("").Includes(have) || tandem.Role("OWNER").Includes(have) || have.Includes("OWNER") {
			t.Errorf("%s and roles that are not known", have)
		}
	}
}

func BenchmarkReadTokenSecret(b *testing.B) {
	secret := tandem.NewTokenSecret("k3j2h4g5f6d7", [32]byte{1, 2, 3})
	for b.Loop() {
		if _, ok := tandem.ReadTokenSecret(secret); !ok {
			b.Fatal("not read")
		}
	}
}
