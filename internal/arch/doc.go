// Package arch holds the rules of the house as data and checks the repository against them: who may
// import whom, which packages are pure, and what every package, dependency and document must carry.
package arch
