// Package audiofile reads WAV and AU files of any usual encoding into mono samples.
package audiofile
