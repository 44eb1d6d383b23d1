@echo off
rem Starts Overread. The first time it makes an environment from the wheels beside it, and from nowhere else.
rem PYTHON names the Python to use, OVERREAD_ENVIRONMENT another folder for the environment.
setlocal
if "%OVERREAD_ENVIRONMENT%"=="" set "OVERREAD_ENVIRONMENT=%~dp0environment"
if exist "%OVERREAD_ENVIRONMENT%\ready" goto start
if "%PYTHON%"=="" (set "FOUND=py -@MAJOR@.@MINOR@") else (set FOUND="%PYTHON%")
%FOUND% -c "import sys; sys.exit(sys.version_info[:2] != (@MAJOR@, @MINOR@))" >nul 2>nul
if errorlevel 1 (
    echo This bundle needs Python @MAJOR@.@MINOR@, and none was found. Install it, or name it in the variable PYTHON. 1>&2
    exit /b 1
)
echo Making an environment; this takes some minutes, once. 1>&2
%FOUND% -m venv --clear "%OVERREAD_ENVIRONMENT%" || exit /b 1
set "PIP_CONFIG_FILE=nul"
"%OVERREAD_ENVIRONMENT%\Scripts\python.exe" -m pip --isolated --disable-pip-version-check install --quiet --no-index --no-deps --require-hashes --find-links "%~dp0wheels" -r "%~dp0requirements.txt" || exit /b 1
type nul > "%OVERREAD_ENVIRONMENT%\ready"
:start
if "%~1"=="" ("%OVERREAD_ENVIRONMENT%\Scripts\python.exe" -P -m gui gui) else ("%OVERREAD_ENVIRONMENT%\Scripts\python.exe" -P -m gui %*)
